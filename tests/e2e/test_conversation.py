"""A conversation at a terminal: questions that follow one another, and what can be typed beside them."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.commands import CommandLine, run_folders
from tests.support.terminal import Terminal

_BROWSER = '#!/bin/sh\necho "$1" >> "$HOME/opened"\n'


@pytest.mark.usefixtures("prebuilt_index")
def test_each_question_is_read_with_those_before_it(cli_with_server: CommandLine, prefect_api: str) -> None:
    cli, home = cli_with_server, cli_with_server.folder / "home"
    home.mkdir(exist_ok=True)
    browser = home / "browser"
    browser.write_text(_BROWSER, encoding="utf-8")
    browser.chmod(0o755)
    variables = {"BROWSER": f"{browser} %s", "XDG_STATE_HOME": str(home / "state")}
    with Terminal("flows.osb", folder=cli.working_folder, environment=cli.environment(**variables)) as terminal:
        ask = _asker(terminal)
        terminal.expect("> ")
        ask("/why", "Nothing was asked yet.")
        ask("What did the Board decide about the Nazi quote?", "Run in the Prefect UI")
        ask("And what did it recommend there?", "Files: ")
        ask("/sources", "1. Nazi quote (fb-2rdrcavq, 2021-01-28) https://www.oversightboard.com/")
        ask("/1", "Opened: https://www.oversightboard.com/decision/fb-2rdrcavq/")
        ask("/open 7", "There is no document '7'.")
        ask("/opne", "did you mean /open?")
        ask("/why", "found to the letter in Nazi quote")
        ask("/save notes.md", "Saved: notes.md")
        ask("/save notes.md", "is there already, and stays as it is")
        ask("/new", "stands alone")
        ask("What is a good recipe for soup?", "does not say")
        ask("/help", "/quit     ends the conversation; so does an empty line")
        ask("/qiut", "did you mean /quit?")
        ask("2", "No question waits for a number. /open 2 opens a document")
        terminal.send_line("/quit")
        assert terminal.wait() == 0
    assert "collects anonymous usage data" not in terminal.output
    for once in ("Run in the Prefect UI", "Demonstration quality"):
        assert terminal.output.count(once) == 1
    assert (home / "opened").read_text(encoding="utf-8") == "https://www.oversightboard.com/decision/fb-2rdrcavq/\n"
    first, second, third = run_folders(cli, "osb")
    answer = json.loads((second / "results.json").read_text(encoding="utf-8"))[0]["result"]
    assert answer["question"] == 'In "Nazi quote": what did it recommend there?'
    assert answer["asked"] == "And what did it recommend there?"
    assert {one["record_id"] for claim in answer["claims"] for one in claim["citations"]} == {"fb-2rdrcavq"}
    assert "You asked: “And what did it recommend there?”" in (second / "answer.html").read_text(encoding="utf-8")
    saved = (cli.working_folder / "notes.md").read_text(encoding="utf-8")
    assert saved.count("\n*Run: `runs/osb/") == 2
    assert _follows(prefect_api, second) == _run_id(first) and _follows(prefect_api, third) is None
    history = home / "state" / "buttermilk" / "questions"
    assert "And what did it recommend there?" in history.read_text(encoding="utf-8")
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert not cli.leftover_processes()


@pytest.mark.usefixtures("prebuilt_index")
def test_a_reference_to_several_documents_is_asked_back_and_costs_no_search(cli_with_server: CommandLine) -> None:
    cli = cli_with_server
    with Terminal("flows.osb", folder=cli.working_folder, environment=cli.environment()) as terminal:
        ask = _asker(terminal)
        terminal.expect("> ")
        ask("When is adult nudity allowed?", "Files: ")
        ask("And what did it recommend there?", "Type a number or a name")
        ask("/sources", "1. ")
        ask("99", "There is no 99; the numbers are 1 to ")
        ask("2", "Files: ")
        ask("Why?", "Files: ")
        terminal.send_line("")
        assert terminal.wait() == 0
    first, held, chosen, short = (_answer(folder) for folder in run_folders(cli, "osb"))
    cited = list(dict.fromkeys(one["title"] for claim in first["claims"] for one in claim["citations"]))
    assert len(cited) > 1
    assert held["held_back"] and held["candidates"] == cited and not held["claims"] and not held["not_used"]
    assert chosen["question"] == f'In "{cited[1]}": what did it recommend there?'
    assert "held_back" not in chosen and "held_back" not in short
    traces = (run_folders(cli, "osb")[1] / "answers.jsonl").read_text(encoding="utf-8")
    searches = [trace for line in traces.splitlines() if (trace := json.loads(line))["agent"] == "search"]
    assert all(trace["status"] == "skipped" for trace in searches)


def _answer(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))[0]["result"]


def _asker(terminal: Terminal):
    def ask(text: str, expected: str) -> None:
        terminal.send_line(text)
        terminal.expect(expected)
        terminal.expect("> ")

    return ask


def _run_id(folder: Path) -> str:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["flow_run_id"]


def _follows(prefect_api: str, folder: Path) -> str | None:
    """The run that the folder's run follows, as its tags on the server say."""
    tags: list[str] = httpx.get(f"{prefect_api}/flow_runs/{_run_id(folder)}").raise_for_status().json()["tags"]
    assert any(tag.startswith("conversation:") for tag in tags)
    return next((tag.removeprefix("after:") for tag in tags if tag.startswith("after:")), None)
