"""Scholars' own files as a corpus: what is broken in them is left out and told, and none of it commands a terminal."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.support.commands import Done, Place, Started, run_folders, until

GOOD = "The committee met in Vienna in 1931. It rejected the proposal because the minutes had been lost in a fire."
QUESTION = "query=Why did the committee reject the proposal?"


def _ask(place: Place, files: Mapping[str, bytes], *arguments: str) -> Done:
    return _asking(place, files, *arguments).wait()


def _asking(place: Place, files: Mapping[str, bytes], *arguments: str) -> Started:
    for name, content in files.items():
        path = place.work / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    source = "../texts" if len(files) > 1 else f"../texts/{next(iter(files))}"
    storage = place.work / "study" / "storage" / "mine.yaml"
    storage.parent.mkdir(parents=True, exist_ok=True)
    storage.write_text(f"mine:\n  type: corpus\n  label: Mine\n  source: {{type: file, path: {source}}}\n")
    return place.start("flows.osb", QUESTION, "--config-dir", "study", "flows.osb.corpus=mine", *arguments)


def _rejects(place: Place) -> list[dict[str, str]]:
    with (run_folders(place, "osb")[-1] / "rejects.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CSV = f"id;title;text\r\na;Minutes;{GOOD}\r\nb;Two;lines;too many\r\na;Again;There before.\r\n;;\r\n"


def test_rows_that_cannot_be_read_are_told_and_written_each_time(beside: Place) -> None:
    for _ in ("indexed now", "indexed before"):
        done = _ask(beside, {"mine.csv": b"\xef\xbb\xbf" + CSV.encode()})
        assert done.code == 0 and "Vienna" in done.out, done.said
        assert "3 rows or files could not be read" in done.err
        assert "texts/mine.csv:3: has 4 cells, but there are 3 columns" in done.err.replace("\n", " ")
        assert [row["line"] for row in _rejects(beside)] == ["3", "4", "5"]


def test_files_of_a_folder_that_cannot_be_read_are_told(beside: Place) -> None:
    files = {"good.txt": GOOD.encode(), "empty.txt": b"", "latin.txt": "fa\xe7ade".encode("latin-1"), "a.png": b"\x89"}
    done = _ask(beside, files, "--json")
    told = json.loads(done.out)
    assert told["rejected_rows"] == 3 and not told["results"][0]["result"]["abstained"], done.said
    reasons = {Path(row["source"]).name: row["reason"] for row in _rejects(beside)}
    assert "empty" in reasons["empty.txt"] and "utf-8" in reasons["latin.txt"] and ".txt" in reasons["a.png"]


def test_a_record_commands_neither_terminal_nor_page(beside: Place) -> None:
    record = {
        "id": "x[/bold]1",
        "title": "Minutes \x1b]0;owned\x07 [/red] <img src=x> ](https://e.org)",
        "text": GOOD.replace("rejected", "rejected \x1b[2J\x9b31m"),
        "url": "https://e.org/)[evil](https://evil.org",
    }
    other = {"id": "y[/]", "title": "Other [/nope]", "text": "Nothing at all of that."}
    done = _ask(beside, {"mine.jsonl": f"{json.dumps(record)}\n{json.dumps(other)}\n".encode()})
    assert done.code == 0 and "␛]0;owned␇ [/red]" in done.out and "y[/]" in done.out, done.said
    page = (run_folders(beside, "osb")[-1] / "answer.md").read_text(encoding="utf-8")
    for shown in (done.out, done.err, page):
        assert not set(shown) & {"\x1b", "\x07", "\x9b"}
    assert "<img" not in page and "](" not in page.replace("\\](", "")


@pytest.mark.parametrize("end", [Started.interrupt, Started.terminate], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_indexing_ends_at_once(beside: Place, end: Callable[[Started], None]) -> None:
    text = "\n\n".join(f"Paragraph {number}. {GOOD}" for number in range(20_000))
    command = _asking(beside, {"long.txt": text.encode()})
    until(lambda: any(beside.indexes.glob("*.lock")), "the indexing to begin")
    end(command)
    done = command.wait(30)
    assert done.code == 130 and "Traceback" not in done.err, done.said
    assert "Interrupted. The same command goes on from here" in done.err


@pytest.mark.parametrize("question", ["query=", "query=   ", "query=\t\n"])
def test_an_empty_question_is_a_mistake(beside: Place, question: str) -> None:
    done = beside.run("flows.osb", question)
    assert done.code == 2 and 'write query="…"' in done.err and "Traceback" not in done.err, done.said


@pytest.mark.parametrize("setting", ["run.results", "run.folder"])
def test_a_folder_that_cannot_be_written_is_told(beside: Place, setting: str) -> None:
    (beside.work / "a_file").write_text("")
    done = beside.run("flows.osb", QUESTION, f"{setting}=a_file/below")
    assert done.code == 3 and f"set {setting}=" in done.err and "Traceback" not in done.err, done.said
