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
