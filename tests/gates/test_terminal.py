"""A person at the terminal: what cannot be is refused at once, before anything else is asked."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import StringIO

import pytest
from rich.console import Console

from contract.flow import GateField
from contract.questions import Question
from flows.cli.terminal import StandardInput, TerminalAsker

QUESTION = Question(
    flow="f", gate="g", record_id="r", question="Fit?", decide=("approve", "reject", "choose"), options=("a", "b"),
    fields={"urgent": GateField(type="yes_no"), "weight": GateField(type="number", default=1)},
)  # fmt: skip


class Typed:
    """Lines that a person types, and what they were asked for."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.prompts = list[str]()

    async def line(self, prompt: str) -> str | None:
        self.prompts.append(prompt.partition(" (")[0].partition(":")[0])
        return self.lines.pop(0) if self.lines else None

    def forget_typed(self) -> None:
        """These lines are typed when they are asked for."""

    @contextmanager
    def paused(self) -> Generator[None]:
        yield


async def ask(*lines: str) -> tuple[object, list[str], str]:
    """The values, the prompts, and what was shown."""
    typed, shown = Typed(*lines), StringIO()
    values = await TerminalAsker(Console(file=shown, width=200), typed, typed).ask(QUESTION, ())
    assert not typed.lines
    return values, typed.prompts, shown.getvalue()


async def test_an_unknown_decision_is_refused_before_the_fields_are_asked_for() -> None:
    values, prompts, shown = await ask("zzz", "aprove", "a", "y", "", "well")
    assert isinstance(values, dict) and (values["decision"], values["urgent"], values["comment"]) == (
        "approve",
        "y",
        "well",
    )
    assert prompts == ["approve", "approve", "approve", "urgent", "weight", "why"]
    assert "'zzz' is no decision here" in shown and "did you mean 'approve'?" in shown


async def test_a_wrong_choice_and_a_wrong_field_are_refused_before_what_follows() -> None:
    values, prompts, shown = await ask("choose", "3", "c", "2", "perhaps", "yes", "heavy", "2,5", "")
    assert isinstance(values, dict) and (values["choice"], values["weight"]) == ("2", "2,5")
    assert prompts == [
        "approve", "which option", "approve", "which option", "urgent", "urgent", "weight", "weight", "why",
    ]  # fmt: skip
    for words in ("'3' is none of the options", "'perhaps' is not yes or no", "'heavy' is not a number"):
        assert words in shown


async def test_whoever_has_mistyped_may_still_answer_later() -> None:
    assert (await ask("zzz", "l"))[0] is None
    assert (await ask("zzz", "q"))[0] is None
    assert (await ask("a", "perhaps", "later"))[0] is None


async def test_what_was_typed_before_the_question_stood_there_decides_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    person, terminal = pty.openpty()
    with os.fdopen(terminal) as standard_input, os.fdopen(person, "wb", buffering=0) as keys:
        monkeypatch.setattr(sys, "stdin", standard_input)
        shown = StringIO()
        asker = TerminalAsker(Console(file=shown, width=200), Typed(), StandardInput())
        keys.write(b"a\ny\n")
        await asyncio.sleep(0.05)
        asked = asyncio.create_task(asker.ask(QUESTION, ()))
        await asyncio.sleep(0.05)
        prompts = capsys.readouterr().err
        keys.write(b"r\n")
        await asyncio.sleep(0.05)
        keys.write(b"unfit\n")
        values = await asyncio.wait_for(asked, 10)
    assert prompts.startswith("approve (a)") and "urgent" not in prompts
    assert isinstance(values, dict) and (values["decision"], values["comment"]) == ("reject", "unfit")
