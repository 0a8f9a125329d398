"""What a person can type in a conversation beside questions: /sources, /open 2, /why, /save, /new, /quit, /help."""

from __future__ import annotations

import re
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from rich.console import Console

from contract.findings import CitedAnswer
from flows.cli.answered_turn import AnsweredTurn
from flows.cli.console import escape_markup
from flows.files.folder import read_traces
from flows.files.os_error import os_error_text
from flows.report.answer_markdown import answer_markdown, citation_location, is_web_address
from flows.report.document_name import document_name
from flows.report.question_words import reading_text
from flows.report.unverified import unverified_lines

if TYPE_CHECKING:
    from contract.messages import AgentTrace

_HELP = {
    "/sources": "the documents that the last answer quotes, numbered",
    "/open 2": "opens the second of them in the browser; so does /2",
    "/why": "how the last answer came about: searches, quotations, what was left out",
    "/save": "writes the conversation into a file; /save notes.md names it",
    "/new": "forgets what was asked, so that the next question stands alone",
    "/quit": "ends the conversation; so does an empty line",
    "/help": "these lines",
}
_ENDING = ("/quit", "/exit", "/bye", "/q")
_NOTHING_ASKED = "Nothing was asked yet."


class Turns(Protocol):
    """The conversation, as its commands see it."""

    turns: list[AnsweredTurn]

    def forget(self) -> None:
        """Begins a conversation anew."""
        ...


class ConversationCommands:
    """Runs the commands of one conversation."""

    def __init__(self, conversation: Turns, console: Console) -> None:
        self._conversation = conversation
        self._console = console

    @staticmethod
    def ends(text: str) -> bool:
        """Whether what was typed ends the conversation."""
        return text.strip().lower() in _ENDING

    def run(self, text: str) -> None:
        """Runs what was typed; an unknown command is answered with the nearest one."""
        name, _, rest = text.partition(" ")
        if re.fullmatch(r"/[0-9]+", name):
            name, rest = "/open", name[1:]
        commands: Mapping[str, Callable[[str], None]] = {
            "/sources": lambda _: self._sources(), "/open": self._open, "/why": lambda _: self._why(),
            "/save": self._save, "/new": lambda _: self._new(), "/help": lambda _: self._help(),
        }  # fmt: skip
        if command := commands.get(name.lower()):
            command(rest.strip())
            return
        near = get_close_matches(name.lower(), [*commands, *_ENDING], n=1)
        meant = f"; did you mean {near[0]}?" if near else "."
        self._print(f"There is no {name}{meant} /help shows what there is.")

    def _print(self, text: str) -> None:
        self._console.print(escape_markup(text), highlight=False, soft_wrap=True)

    def _last(self) -> AnsweredTurn | None:
        if not self._conversation.turns:
            self._print(_NOTHING_ASKED)
            return None
        return self._conversation.turns[-1]

    def _help(self) -> None:
        for name, about in _HELP.items():
            self._print(f"{name:<9} {about}")

    def _new(self) -> None:
        self._conversation.forget()
        self._print("The next question stands alone.")

    def _sources(self) -> None:
        last = self._last()
        if not last:
            return
        if not last.sources:
            self._print("The last answer names no document.")
        elif not last.answer.claims:
            self._print("The corpus does not say. The nearest documents:")
        for number, source in enumerate(last.sources, start=1):
            named = document_name(source.title, source.record_id, source.date)
            self._print(f"{number}. {named} {source.uri or ''}".rstrip())

    def _open(self, which: str) -> None:
        last = self._last()
        if not last:
            return
        number, there_are = (int(which) if which.isdecimal() else 0), len(last.sources)
        if not 1 <= number <= there_are:
            self._print(f"There is no document '{which}'. /sources shows the {there_are}; write for example /open 1.")
            return
        address = last.sources[number - 1].uri
        if not is_web_address(address):
            self._print(f"{last.sources[number - 1].title} has no address on the web.")
        elif webbrowser.open(address):
            self._print(f"Opened: {address}")
        else:
            self._print(f"No browser could be started. The address is {address}")

    def _why(self) -> None:
        if last := self._last():
            for line in _why_lines(last.answer, last.folder):
                self._print(line)

    def _save(self, name: str) -> None:
        if not self._conversation.turns:
            self._print(_NOTHING_ASKED)
            return
        path = Path(name or f"conversation-{datetime.now(UTC):%Y%m%dT%H%M%S}.md").expanduser()
        try:
            # Never over a file that is there.
            with path.open("x", encoding="utf-8") as file:
                file.write(_as_markdown(self._conversation.turns))
        except FileExistsError:
            self._print(f"{path} is there already, and stays as it is. Write /save with another name.")
        except OSError as error:
            self._print(f"{path} cannot be written: {os_error_text(error)}")
        else:
            self._print(f"Saved: {path}")


def _why_lines(answer: CitedAnswer, folder: Path) -> Iterator[str]:
    yield f"Question: {answer.question}"
    if text := reading_text(answer):
        yield text
    for trace in read_traces(folder / "answers.jsonl"):
        yield from _search_lines(trace)
    yield f"Answered by {', '.join(answer.models) or 'no model'}: {answer.summary}"
    for number, claim in enumerate(answer.claims, start=1):
        yield f"{number}. {claim.text}"
        for citation in claim.citations:
            yield f"   found to the letter in {citation_location(citation, answer)}: “{citation.quote}”"
        if claim.support:
            yield f"   does the sentence follow from that? {claim.support.verdict}"
    for claim in answer.dropped:
        yield f"Left out: {claim.text}"
        yield from (f"   {line}" for line in unverified_lines(claim))
    for text in answer.unanswered:
        yield f"Not answered: {text}"
    if (folder / "answer.html").exists():
        yield f"Each quotation in its passage: {folder / 'answer.html'}"


def _search_lines(trace: AgentTrace) -> Iterator[str]:
    if trace.agent != "search" or trace.status != "completed":
        return
    found = cast("Mapping[str, Any]", trace.value)
    queries = "; ".join(f"“{query}”" for query in found["queries"])
    yield f"Searched, round {max(trace.round, 1)}: {queries} ({trace.note or 'nothing new'})"


def _as_markdown(turns: Sequence[AnsweredTurn]) -> str:
    """The answers one below the other, each with where its run is."""
    return "\n".join(f"{answer_markdown(turn.answer)}\n*Run: `{turn.folder}`*\n" for turn in turns)
