"""The desk of a run: gets a person's answer to each question, from wherever there is one.

In this order: the file of answers that the command names; what is kept from before; what was filled in meanwhile in a
form that an earlier process had shown; a person at the terminal; a form at a Prefect server's page. A question
without an answer stays open: the run does everything else, and ends in the state Waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from weakref import WeakValueDictionary

from contract.base import JsonValue
from contract.errors import AnswersInvalid, Problem
from contract.questions import Answer, AnsweredBy, Decision, Question
from flows.gates.answer_file import AnswerFile, mistakes_at
from flows.gates.kept_answers import FormPlace, KeptAnswers
from flows.gates.read_answer import ReadAnswer, ValueCheck, read_answer
from flows.gates.unreadable import all_readable

MAX_QUESTIONS_IN_FORM = 20
"""More would make a page that nobody reads; the next form shows the next ones."""
_POLICY_DECISIONS: Mapping[str, Decision] = {"reject": "reject", "skip": "skip", "fail": "fail"}


class Terminal(Protocol):
    """A person at the terminal of the command."""

    async def ask(self, question: Question, mistakes: Sequence[str]) -> Mapping[str, JsonValue] | None:
        """What the person entered, by the names of `read_answer`; None for later. `mistakes` are those of before."""
        ...


class Forms(Protocol):
    """Forms at a Prefect server's page."""

    async def ask(
        self, questions: Sequence[Question], mistakes: Mapping[str, Sequence[str]], seconds: float, desk: Desk
    ) -> Mapping[str, Mapping[str, JsonValue]]:
        """What was filled in, by the keys of the questions; nothing where nobody has answered within `seconds`."""
        ...

    async def filled_in(self, place: FormPlace) -> Mapping[str, JsonValue] | None:
        """What was filled in at a form that is not waited for any more; None where that is nothing."""
        ...

    async def close(self, place: FormPlace) -> None:
        """Ends a run that shows a form which is not waited for any more."""
        ...


@dataclass
class Desk:
    """Gets answers for one run. Belongs to one event loop."""

    kept: KeptAnswers
    file: AnswerFile | None = None
    terminal: Terminal | None = None
    on_answer: Callable[[Question, Answer], None] = lambda _question, _answer: None
    """Called with each answer that is given in this run."""
    on_wait: Callable[[Sequence[Question]], None] = lambda _questions: None
    """Called with all open questions before somebody is waited for: a run may be killed meanwhile."""
    on_form: Callable[[Sequence[Question], float], None] = lambda _questions, _seconds: None
    """Called with the questions of a form, and for how many seconds it is waited for."""
    shows_forms: bool = True
    """Whether the run waits for forms at a server's page."""
    allowed: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """Gate -> the verdicts that a changed one may be."""
    open: dict[str, Question] = field(default_factory=dict[str, Question])
    """The questions without an answer, by key."""
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary[str, asyncio.Lock])
    _terminal_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    replaced: dict[str, tuple[Question, Answer]] = field(default_factory=dict[str, tuple[Question, Answer]])
    """Questions to which the file answers otherwise than somebody had before, with that earlier answer, by key."""
    mistakes: dict[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    """What was wrong with the last answer to a question, shown when it is asked again."""

    async def answers(
        self, questions: Sequence[Question], forms: Forms | None = None, check_value: ValueCheck | None = None
    ) -> list[Answer | None]:
        """The answer to each question; None for one that stays open. Raises AnswersInvalid."""
        questions = [one.model_copy(update={"allowed": self.allowed.get(one.gate, ())}) for one in questions]
        found = dict[str, Answer]()
        self._check_file(questions, check_value)
        async with self._exclusive(questions):
            there = await all_readable([self._there(one, check_value) for one in questions])
            found |= {one.key: answer for one, answer in zip(questions, there, strict=True) if answer}
            if forms:
                await self._collect_forms(questions, forms, found, check_value)
            self._note_open(questions, found)
            if self.open and (self.terminal or (forms and self.shows_forms)):
                self.on_wait(list(self.open.values()))
            for one in questions if self.terminal else ():
                if one.key not in found and (answer := await self._ask_at_terminal(one, check_value)):
                    found[one.key] = answer
            if forms and self.shows_forms and not self.terminal:
                await self._ask_with_forms(questions, forms, found, check_value)
            left = [one for one in questions if one.key not in found]
            decided = await all_readable([self._after_time(one) for one in left])
            found |= {one.key: answer for one, answer in zip(left, decided, strict=True) if answer}
        self._note_open(questions, found)
        return [found.get(one.key) for one in questions]

    async def take(
        self, question: Question, values: Mapping[str, JsonValue], via: AnsweredBy, check: ValueCheck | None = None
    ) -> Answer | None:
        """Keeps what a person entered; None where it is no answer, whose mistakes are shown when it is asked again."""
        read = read_answer(question, values, via, check_value=check)
        self.mistakes[question.key] = [str(one) for one in read.mistakes]
        return await self._keep(question, read)

    async def known(self, question: Question, check_value: ValueCheck | None = None) -> Answer | None:
        """The answer in the file, or the kept one; nobody is asked. Raises AnswersInvalid."""
        self._check_file([question], check_value)
        return await self._there(question, check_value)

    def leave_open(self, question: Question) -> None:
        """Leaves the question among the open ones, for whoever answers it after this run."""
        self.open[question.key] = question

    async def is_answered(self, question: Question) -> bool:
        """Whether somebody has answered meanwhile, for example with the verb `answer`."""
        return await self.kept.get(question) is not None

    def _note_open(self, questions: Sequence[Question], found: Mapping[str, Answer]) -> None:
        for one in questions:
            self.open.pop(one.key, None)
        self.open |= {one.key: one for one in questions if one.key not in found}

    @asynccontextmanager
    async def _exclusive(self, questions: Sequence[Question]) -> AsyncGenerator[None]:
        """While the block runs, nobody else in this process asks the same; always in one order, against deadlocks."""
        keys = sorted({one.key for one in questions})
        locks = [self._locks.setdefault(key, asyncio.Lock()) for key in keys]
        for lock in locks:
            await lock.acquire()
        try:
            yield
        finally:
            for lock in locks:
                lock.release()

    def _check_file(self, questions: Sequence[Question], check_value: ValueCheck | None) -> None:
        """Raises AnswersInvalid for all that does not fit what is shown now, at once."""
        problems = list[Problem]()
        for one in questions if self.file else ():
            if self.file and (entry := self.file.places(one)):
                problems += mistakes_at(entry, self.file.read(one, check_value).mistakes)
        if problems:
            raise AnswersInvalid(problems)

    async def _there(self, question: Question, check_value: ValueCheck | None) -> Answer | None:
        """The answer in the file, or the kept one."""
        if self.file:
            read = self.file.read(question, check_value)
            if read.answer:
                return await self._keep(question, read)
        return await self.kept.get(question)

    async def _keep(self, question: Question, read: ReadAnswer) -> Answer | None:
        if read.answer is None:
            return None
        before = await self.kept.get(question)
        if before and before.covers(read.answer):
            return before
        if before and read.answer.via == "file" and not before.decides_as(read.answer):
            self.replaced[question.key] = question, before
        await self.kept.keep(question, read.answer)
        self.on_answer(question, read.answer)
        return read.answer

    async def _collect_forms(
        self, questions: Sequence[Question], forms: Forms, found: dict[str, Answer], check: ValueCheck | None
    ) -> None:
        """Takes what was filled in at forms of processes that were killed, and closes those forms."""
        places = await all_readable([self.kept.forms(one) for one in questions])
        for one, shown_at in zip(questions, places, strict=True):
            for place in shown_at:
                await forms.close(place)
            latest = await self._latest_form(shown_at, forms) if one.key not in found else None
            if latest is not None and (answer := await self.take(one, latest, "form", check)):
                found[one.key] = answer

    async def _latest_form(self, shown_at: Sequence[FormPlace], forms: Forms) -> Mapping[str, JsonValue] | None:
        """What was filled in last; an earlier form was taken by the run that showed a later one."""
        for place in reversed(shown_at):
            if (values := await forms.filled_in(place)) is not None:
                return values
        return None

    async def _ask_at_terminal(self, question: Question, check: ValueCheck | None) -> Answer | None:
        if self.terminal is None:
            return None
        await self.kept.asked(question)
        async with self._terminal_lock:
            while True:
                values = await self.terminal.ask(question, self.mistakes.get(question.key, ()))
                if values is None:
                    return None
                answer = await self.take(question, values, "terminal", check)
                if answer or not self.mistakes.get(question.key):
                    return answer

    async def _ask_with_forms(
        self, questions: Sequence[Question], forms: Forms, found: dict[str, Answer], check: ValueCheck | None
    ) -> None:
        """Shows forms until all is answered, or nobody answers in time.

        A gate's time counts for all that it asks at once, also for what a later form shows.
        """
        is_noted = False
        while waiting := [one for one in questions if one.key not in found]:
            seconds = max(await all_readable([self._seconds_left(one) for one in waiting]))
            if seconds <= 0:
                return
            if not is_noted:
                self.on_form(waiting, seconds)
                is_noted = True
            group = waiting[:MAX_QUESTIONS_IN_FORM]
            mistakes = {one.key: self.mistakes.get(one.key, ()) for one in group}
            filled = await forms.ask(group, mistakes, seconds, self)
            for one in group:
                kept = await self.kept.get(one) if one.key not in filled else None
                answer = kept or await self.take(one, filled.get(one.key, {}), "form", check)
                found |= {one.key: answer} if answer else {}
            if not filled and all(one.key not in found for one in group):
                return

    async def _seconds_left(self, question: Question) -> float:
        """How long a form is waited for; with a policy, what is left of the time since it was asked first."""
        asked = await self.kept.asked(question)
        if question.on_timeout == "wait":
            return question.timeout_seconds
        return question.timeout_seconds - (datetime.now(UTC) - asked).total_seconds()

    async def _after_time(self, question: Question) -> Answer | None:
        """What `on_timeout` decides where the time is up. It is not kept: an answer that comes later counts then."""
        if await self._seconds_left(question) > 0 or question.on_timeout == "wait":
            return None
        comment = f"nobody answered within {question.timeout_seconds} s"
        decision = _POLICY_DECISIONS[question.on_timeout]
        return Answer(decision=decision, comment=comment, at=datetime.now(UTC), via="time limit")
