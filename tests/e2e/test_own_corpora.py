"""Scholars' own files as a corpus: broken parts are left out and reported, and nothing in them controls a terminal."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.commands import CommandLine, CompletedCommand, RunningCommand, run_folders, wait_until

GOOD = "The committee met in Vienna in 1931. It rejected the proposal because the minutes had been lost in a fire."
QUESTION = "query=Why did the committee reject the proposal?"


def _run_question(cli: CommandLine, files: Mapping[str, bytes], *arguments: str) -> CompletedCommand:
    return _start_question(cli, files, *arguments).wait()


def _start_question(cli: CommandLine, files: Mapping[str, bytes], *arguments: str) -> RunningCommand:
    for name, content in files.items():
        path = cli.working_folder / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    source = "../texts" if len(files) > 1 else f"../texts/{next(iter(files))}"
    storage = cli.working_folder / "study" / "storage" / "mine.yaml"
    storage.parent.mkdir(parents=True, exist_ok=True)
    storage.write_text(f"mine:\n  type: corpus\n  label: Mine\n  source: {{type: file, path: {source}}}\n")
    return cli.start("flows.osb", QUESTION, "--config-dir", "study", "flows.osb.corpus=mine", *arguments)


def _rejects(cli: CommandLine) -> list[dict[str, str]]:
    with (run_folders(cli, "osb")[-1] / "rejects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CSV = f"id;title;text\r\na;Minutes;{GOOD}\r\nb;Two;lines;too many\r\na;Again;There before.\r\n;;\r\n"


def test_rows_that_cannot_be_read_are_reported_and_written_each_time(cli_with_server: CommandLine) -> None:
    for _ in ("indexed now", "indexed before"):
        done = _run_question(cli_with_server, {"mine.csv": b"\xef\xbb\xbf" + CSV.encode()})
        assert done.exit_code == 0 and "Vienna" in done.stdout, done.transcript
        assert "3 rows or files could not be read" in done.stderr
        assert "texts/mine.csv:3: has 4 cells, but there are 3 columns" in done.stderr.replace("\n", " ")
        assert [row["line"] for row in _rejects(cli_with_server)] == ["3", "4", "5"]


@pytest.mark.slow
def test_files_of_a_folder_that_cannot_be_read_are_reported(cli_with_server: CommandLine) -> None:
    files = {"good.txt": GOOD.encode(), "empty.txt": b"", "latin.txt": "fa\xe7ade".encode("latin-1"), "a.png": b"\x89"}
    done = _run_question(cli_with_server, files, "--json")
    output = json.loads(done.stdout)
    assert output["rejected_rows"] == 3 and not output["results"][0]["result"]["abstained"], done.transcript
    reasons = {Path(row["source"]).name: row["reason"] for row in _rejects(cli_with_server)}
    assert "empty" in reasons["empty.txt"] and "utf-8" in reasons["latin.txt"] and ".txt" in reasons["a.png"]


def test_a_record_controls_neither_the_terminal_nor_the_page(cli_with_server: CommandLine) -> None:
    record = {
        "id": "x[/bold]1",
        "title": "Minutes \x1b]0;owned\x07 [/red] <img src=x> ](https://e.org)",
        "text": GOOD.replace("rejected", "rejected \x1b[2J\x9b31m"),
        "url": "https://e.org/)[evil](https://evil.org",
    }
    other = {"id": "y[/]", "title": "Other [/nope]", "text": "Nothing at all of that."}
    done = _run_question(cli_with_server, {"mine.jsonl": f"{json.dumps(record)}\n{json.dumps(other)}\n".encode()})
    assert done.exit_code == 0 and "␛]0;owned␇ [/red]" in done.stdout and "y[/]" in done.stdout, done.transcript
    page = (run_folders(cli_with_server, "osb")[-1] / "answer.md").read_text(encoding="utf-8")
    for shown in (done.stdout, done.stderr, page):
        assert not set(shown) & {"\x1b", "\x07", "\x9b"}
    assert "<img" not in page and "](" not in page.replace("\\](", "")


@pytest.mark.parametrize(
    "send_signal",
    [RunningCommand.interrupt, pytest.param(RunningCommand.terminate, marks=pytest.mark.slow)],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_an_interrupted_indexing_ends_at_once(
    cli_with_server: CommandLine, send_signal: Callable[[RunningCommand], None]
) -> None:
    text = "\n\n".join(f"Paragraph {number}. {GOOD}" for number in range(20_000))
    command = _start_question(cli_with_server, {"long.txt": text.encode()})
    wait_until(lambda: any(cli_with_server.indexes.glob("*.lock")), "the indexing to begin")
    send_signal(command)
    done = command.wait(30)
    assert done.exit_code == 130 and "Traceback" not in done.stderr, done.transcript
    assert "Interrupted. The same command goes on from here" in done.stderr


@pytest.mark.parametrize(
    "question",
    [pytest.param("query=", marks=pytest.mark.slow), pytest.param("query=   ", marks=pytest.mark.slow), "query=\t\n"],
)
def test_an_empty_question_is_a_mistake(cli_with_server: CommandLine, question: str) -> None:
    done = cli_with_server.run("flows.osb", question)
    assert done.exit_code == 2 and 'write query="…"' in done.stderr and "Traceback" not in done.stderr, done.transcript


def test_a_folder_that_cannot_be_made_is_reported(cli_with_server: CommandLine) -> None:
    (cli_with_server.working_folder / "a_file").write_text("")
    done = cli_with_server.run("flows.osb", QUESTION, "run.results=a_file/below")
    assert done.exit_code == 2 and "write run.results=" in done.stderr, done.transcript
    assert "Traceback" not in done.stderr
