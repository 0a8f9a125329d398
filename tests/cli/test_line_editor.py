"""Lines that a person types at a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli.line_editor import LineEditor


@pytest.mark.parametrize(("key", "shown"), [(EOFError, ""), (KeyboardInterrupt, "\n")], ids=["Ctrl-D", "Ctrl-C"])
def test_both_keys_end_the_lines_and_interrupt_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    key: type[BaseException],
    shown: str,
) -> None:
    def pressed(_prompt: str) -> str:
        raise key

    monkeypatch.setattr("builtins.input", pressed)
    assert LineEditor(tmp_path / "questions").line("> ") is None
    assert capsys.readouterr().out == shown
