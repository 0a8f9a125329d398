"""Asks a person at the terminal, in the middle of a run: shows what is decided about, and takes the answer."""

from __future__ import annotations

import asyncio
import getpass
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.padding import Padding

from contract.base import JsonValue, thawed
from contract.flow import GateField
from contract.questions import Question
from flows.cli.console import escape_markup
from flows.gates.read_answer import option_labels, read_answer, shown_text

_LATER = ("l", "later")
_LATER_FOR_ALL = ("q", "quit")
_EDITORS = ("nano", "vi", "notepad")


class Pausable(Protocol):
    """A display that makes way for a question."""

    def paused(self) -> AbstractContextManager[None]:
        """Shows nothing while the block runs."""
        ...


class LineReader(Protocol):
    """Where lines come from."""

    async def line(self, prompt: str) -> str | None:
        """The next line without its end; None at the end of the input."""
        ...

    def forget_typed(self) -> None:
        """Drops what was typed and not read yet."""
        ...


class _NothingMore(Exception):
    """The person answers nothing more in this run."""


class TerminalAsker:
    """A person at the terminal; a `Terminal` of a `Desk`."""

    def __init__(self, console: Console, display: Pausable, lines: LineReader) -> None:
        self._console = console
        self._display = display
        self._lines = lines
        self._asks_nothing_more = False

    async def ask(self, question: Question, mistakes: Sequence[str]) -> Mapping[str, JsonValue] | None:
        """What the person entered; None for later."""
        if self._asks_nothing_more:
            return None
        with self._display.paused():
            # A key that was pressed before the question stood there decides nothing.
            self._lines.forget_typed()
            self._show(question, mistakes)
            try:
                return await self._answer(question)
            except _NothingMore:
                self._asks_nothing_more = True
                return None

    def _show(self, question: Question, mistakes: Sequence[str]) -> None:
        place = f"{question.gate}, record {question.record_id}" + f", round {question.round}" * bool(question.round)
        self._print(f"\n[bold]{escape_markup(question.question)}[/bold]  [dim]{escape_markup(place)}[/dim]")
        for name, value in question.shown.items():
            self._print(f"[bold]{escape_markup(name)}[/bold]")
            self._console.print(Padding(escape_markup(shown_text(thawed(value))), (0, 0, 0, 2)), highlight=False)
        for label in option_labels(question.options):
            self._print(f"  {escape_markup(label)}")
        for mistake in mistakes:
            self._print(f"[yellow]{escape_markup(mistake)}[/yellow]")

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False)

    async def _answer(self, question: Question) -> Mapping[str, JsonValue] | None:
        decided = await self._decided(question)
        # What cannot be is refused before anything else is asked.
        while decided is not None and (mistake := _mistake(question, decided, decided)):
            self._print(f"[yellow]{escape_markup(mistake)}[/yellow]")
            decided = await self._decided(question)
        if decided is None:
            return None
        values: dict[str, JsonValue] = {"by": _user(), **decided}
        if decided["decision"] not in ("reject", "stop"):
            for name, field in question.fields.items():
                entered = await self._field(question, decided, name, field)
                if entered is None:
                    return None
                values[name] = entered
        values["comment"] = await self._line("why (may stay empty) > ")
        return values

    async def _decided(self, question: Question) -> dict[str, JsonValue] | None:
        """The decision with what belongs to it; None for later."""
        if not question.decide:
            return {"decision": "answer"}
        words = {one[0]: one for one in question.decide}
        shown = ", ".join(f"{one} ({one[0]})" for one in question.decide)
        typed = await self._line(f"{shown}, later (l), later for all (q) > ")
        if not typed or typed.lower() in _LATER:
            return None
        decision = words.get(typed.lower(), typed)
        if decision == "edit":
            return {"decision": decision, "value": await self._edited(shown_text(thawed(question.value)))}
        if decision == "choose":
            return {"decision": decision, "choice": await self._line("which option (its number) > ")}
        return {"decision": decision}

    async def _field(
        self, question: Question, decided: Mapping[str, JsonValue], name: str, field: GateField
    ) -> JsonValue:
        """What was entered; None for later."""
        kind = {"yes_no": "yes or no", "number": "a number", "text": "text; e opens an editor"}[field.type]
        default = "later" if field.default is None else str(field.default)
        about = f" {field.description.rstrip('.')}" if field.description else ""
        while True:
            typed = await self._line(f"{name}:{about} ({kind}; empty: {default}) > ")
            if field.type == "text" and typed == "e":
                return await self._edited("")
            if not typed or typed.lower() in _LATER:
                return field.default
            if not (mistake := _mistake(question, {**decided, name: typed}, [name])):
                return typed
            self._print(f"[yellow]{escape_markup(mistake)}[/yellow]")

    async def _line(self, prompt: str) -> str:
        typed = await self._lines.line(prompt)
        if typed is None or typed.strip().lower() in _LATER_FOR_ALL:
            raise _NothingMore
        return typed.strip()

    async def _edited(self, text: str) -> str:
        """The text as the person has changed it in their editor; without an editor, the line that they type."""
        command = _editor()
        if not command:
            return await self._line("the changed value, in one line > ")
        with tempfile.TemporaryDirectory(prefix="answer-") as folder:
            path = Path(folder) / "answer.txt"
            path.write_text(text, encoding="utf-8")
            process = await asyncio.create_subprocess_exec(*command, str(path))
            await process.wait()
            # Editors end a file with a line break, which was not there.
            return path.read_text(encoding="utf-8").removesuffix("\n")


def _mistake(question: Question, values: Mapping[str, JsonValue], names: Collection[str]) -> str:
    """What is wrong with the values of those names; empty where nothing is."""
    found = read_answer(question, values, "terminal").mistakes
    return "; ".join(str(one) for one in found if one.name in names)


class StandardInput:
    """Lines of the terminal, read without a thread, so that Ctrl-C ends the run at once."""

    async def line(self, prompt: str) -> str | None:
        """The next line; None when the input has ended."""
        print(prompt, end="", file=sys.stderr, flush=True)
        if sys.platform == "win32":
            return await asyncio.to_thread(_read_blocking)
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(sys.stdin.fileno(), arrived.set)
        try:
            await arrived.wait()
        finally:
            loop.remove_reader(sys.stdin.fileno())
        return _read_blocking()

    def forget_typed(self) -> None:
        """Drops what was typed and not read yet."""
        if not sys.stdin.isatty():
            return
        if sys.platform == "win32":
            import msvcrt

            while msvcrt.kbhit():
                msvcrt.getwch()
        else:
            import termios

            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


def _read_blocking() -> str | None:
    # A terminal gives whole lines, so this returns at once when there is something to read.
    text = sys.stdin.readline()
    return text.rstrip("\r\n") if text else None


def _editor() -> list[str]:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if named:
        return shlex.split(named)
    found = next((path for name in _EDITORS if (path := shutil.which(name))), None)
    return [found] if found else []


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
