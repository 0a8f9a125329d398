"""Mistakes of the verb `code` are named, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli.main import main


@pytest.mark.parametrize(
    ("flow", "words", "message"),
    [
        (None, ["exprt"], "did you mean 'export'?"),
        (None, ["export"], "no coding was begun here"),
        ("tox", ["sample=3"], "nobody is named who codes"),
        ("tox", ["coders=[ana]", "strata=[colour]"], "no record has 'colour' in its metadata"),
        ("tox", ["coders=[ana]", "strata=[models]"], "name a finished run"),
        ("tox", ["coders=[ana]", "allocate=equall"], "did you mean 'equal'?"),
        ("tox", ["coders=[ana]", "host=0.0.0.0"], "names="),
        ("tox", ["coders=[ana]", "port=x"], "this is no port"),
        ("tox", ["coders=[<b>]"], "a name consists of letters"),
        ("tox", ["coders=ana,,ben"], "a name is missing here"),
        (None, ["status", "folder=coding/letters"], "code +flows=letters coders=ana,ben"),
        (None, ["status", "sampel=5"], "`code status` takes no 'sampel'"),
        (None, ["import", "coding.docx"], "answers come as .xlsx, .csv"),
        (None, ["adjudicate", "folder=x", "run=runs/tox/none"], "there is no finished run here"),
        (None, ["correct"], "write by=NAME"),
        ("osb", ["coders=[ana]"], "there is nothing to code"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_begun(
    flow: str | None,
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["code", *words], flow) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "coding").exists()


def test_all_mistakes_in_the_words_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["code", "adjudicate", "by=<b>", "run=none", "gold=gold.csv", "port=x", "coders=ana", "smple=3"]) == 2
    error = capsys.readouterr().err
    for words in ("by=<b>", "run=none", "gold=gold.csv", "port=x", "coders=ana", "smple=3"):
        assert f"command line: {words}: " in error


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sampel=5", "did you mean 'sample'?"),
        ("sample=-1", "sample"),
        ("sample=abc", "sample"),
        ("sample=2", "was begun with 3 records"),
    ],
)
def test_settings_of_a_coding_that_was_begun_are_those_of_its_flow(
    word: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["code", "export", "answers.csv", "coders=ana", "sample=3"], "tox") == 0
    assert main(["code", word]) == 2
    error = capsys.readouterr().err
    assert f"command line: {word}" in error or word == "sample=2"
    assert message in error and "no flow is named" not in error
