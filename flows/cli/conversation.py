"""A conversation at a terminal: one question after another, each read with those before it.

A turn is a run of its own. Its parameter `earlier`, where the flow has one, holds what was asked and answered before,
so it can be repeated and checked by itself; its Prefect run has the tags `conversation:…` and `after:…`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

from rich.console import Console

from contract.conversation import about_document, turns_as_text
from contract.errors import StudyError
from contract.findings import CitedAnswer
from flows.cli.answered_turn import AnsweredTurn
from flows.cli.conversation_commands import ConversationCommands
from flows.cli.error_text import error_lines
from flows.cli.line_editor import LineEditor
from flows.compose.request import with_request_parameter
from flows.spec.study import Study

EARLIER = "earlier"
"""The parameter of a flow that reads a question in its conversation."""
_LIST_DIGITS = 2
"""Digits of a number that can only be meant as one of a list; a year may be a question."""


class Conversation:
    """Asks for questions until an empty line, and keeps what was answered."""

    def __init__(self, study: Study, parameter: str, console: Console, editor: LineEditor | None = None) -> None:
        self._study = study
        self._parameter = parameter
        self._console = console
        self._editor = editor or LineEditor()
        self._id = uuid4().hex[:8]
        self.turns = list[AnsweredTurn]()
        self._held_back: CitedAnswer | None = None
        self._commands = ConversationCommands(self, console)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of the next run: the conversation, and the run that it follows."""
        last = self.turns[-1].flow_run_id if self.turns else None
        return (f"conversation:{self._id}", *([f"after:{last}"] if last else []))

    def studies(self) -> Iterator[Study]:
        """The study with each question that is typed; what was answered meanwhile is to be `add`ed."""
        description = self._study.flow.parameters[self._parameter].description
        hint = "/help shows what else you can type; an empty line ends"
        self._print(f"\n{description} ({hint})")
        while (text := self._editor.line("> ")) and not self._commands.ends(text):
            if text.startswith("/"):
                self._commands.run(text)
            elif (question := self._chosen(text)) and (study := self._with_question(question)):
                yield study
        self._editor.save()

    def add(self, answer: CitedAnswer, folder: Path, flow_run_id: UUID | None) -> None:
        """Keeps an answer, for the questions that follow it; of one that was held back, what may be chosen."""
        if answer.held_back:
            self._held_back = answer if answer.candidates else None
            if self._held_back:
                self._print("Type a number or a name, and the question is asked about that one.")
            return
        self.turns.append(AnsweredTurn(answer, folder, flow_run_id))

    def forget(self) -> None:
        """Begins a conversation anew."""
        self.turns.clear()
        self._held_back = None
        self._id = uuid4().hex[:8]

    def _print(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def _chosen(self, text: str) -> str | None:
        """The question that was held back, about the document that the text names; else the text, a new question."""
        if (held := self._held_back) is None:
            if text.strip().isdecimal() and len(text.strip()) <= _LIST_DIGITS:
                self._print(f"No question waits for a number. /open {int(text)} opens a document of the last answer.")
                return None
            return text
        named = [title for title in held.candidates if text.strip().casefold() in title.casefold()]
        if text.strip().isdecimal():
            number = int(text)
            if not 1 <= number <= len(held.candidates):
                self._print(f"There is no {number}; the numbers are 1 to {len(held.candidates)}.")
                return None
            named = [held.candidates[number - 1]]
        self._held_back = None
        return about_document(named[0], held.question) if len(named) == 1 else text

    def _with_question(self, text: str) -> Study | None:
        """The study that asks it; None, with what is wrong, for a question that cannot be asked."""
        try:
            study = with_request_parameter(self._study, self._parameter, text)
            if EARLIER in study.flow.parameters and self.turns:
                earlier = turns_as_text([turn.as_turn() for turn in self.turns])
                study = with_request_parameter(study, EARLIER, earlier)
        except StudyError as error:
            for line in error_lines(error):
                self._print(line)
            return None
        return study
