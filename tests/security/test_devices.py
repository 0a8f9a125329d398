"""Pipes, sockets and links where a file of data is read: none is waited for, or passed over in silence."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.files.checksums import changed_files, write_sums

TEXTS = {"t/1.txt": "Go away, vermin.", "t/2.txt": "The ferry is late."}
FLOW = """
description: Verdicts that a person lets through.
records: posts
steps:
  judge: {agent: judge, parameters: {model: demo, criteria: ordinary}}
  consent: {gate: May it go on?, decide: [approve, reject], inputs: {verdict: judge.verdict}}
"""
LABELS = "file,violating\n1.txt,true\n2.txt,false\n"


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.fixture(autouse=True)
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two texts, and a table of labels; the working directory, since a socket's path must be short."""
    monkeypatch.chdir(tmp_path)
    for name, text in {**TEXTS, "labels.csv": LABELS, "q.csv": "query\nWhy?\n"}.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    return tmp_path


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `check` says of a mistake."""
    assert main(["check", "+flows=judger", *arguments]) == 2
    shown = capsys.readouterr()
    return " ".join((shown.out + shown.err).split())


@pytest.mark.parametrize("make", [_pipe, _socket])
@pytest.mark.parametrize("name", ["3.txt", "3.pdf", "3.bib"])
def test_a_pipe_among_the_texts_of_a_folder_is_refused(
    make: Callable[[Path], None], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make(Path("t", name))
    assert f"t/{name} is a device or a pipe, which is not read" in refusal(capsys, "records=t")


@pytest.mark.parametrize(
    ("to", "said"), [("..", "a link that leads out of the folder"), ("more", "a link to a folder")]
)
def test_a_linked_folder_among_the_texts_is_refused(to: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("t/more").mkdir()
    Path("t/linked").symlink_to(to, target_is_directory=True)
    assert f"t/linked is {said}" in refusal(capsys, "records=t")


@pytest.mark.parametrize("make", [_pipe, _socket])
def test_labels_beside_texts_are_a_file(make: Callable[[Path], None], capsys: pytest.CaptureFixture[str]) -> None:
    Path("labels.csv").unlink()
    make(Path("labels.csv"))
    shown = refusal(capsys, "records=t", "labels_from.path=labels.csv", "labels_from.by=file")
    assert "labels.csv is a device or a pipe, not a file" in shown
    assert "there is no file" not in shown


@pytest.mark.parametrize(
    ("make", "said"), [(_pipe, "a device or a pipe"), (_socket, "a device or a pipe"), (_folder, "a folder")]
)
def test_answers_and_questions_come_from_files(
    make: Callable[[Path], None], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.yaml", "p.csv"):
        make(Path(name))
    Path("flows").mkdir()
    Path("flows/gated.yaml").write_text(FLOW, encoding="utf-8")
    gated = ["check", "+flows=gated", "--config-dir", ".", "answers=a.yaml"]
    arguments = ["check", "+flows=osb", "queries=p.csv"], gated
    for words, name in zip(arguments, ("p.csv", "a.yaml"), strict=True):
        assert main(words) == 2
        shown = " ".join((result := capsys.readouterr()).out.split() + result.err.split())
        assert f"this is {said}, not a file" in shown
        assert f"did you mean '{name}'" not in shown


def test_a_file_of_a_run_that_a_pipe_replaced_is_not_called_missing(tmp_path: Path) -> None:
    write_sums(tmp_path)
    Path("q.csv").unlink()
    _pipe(Path("q.csv"))
    assert list(changed_files(tmp_path)) == ["q.csv was replaced by something that is no file"]
