"""Kept answers: what people decided, in the storage of results, under the digest of what they were asked and shown.

An answer is never overwritten: one that differs, or that somebody else gives, is added behind it; the last one counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import Field, ValidationError

from contract.base import Frozen
from contract.errors import StorageError
from contract.questions import Answer, Question
from flows.files.os_error import os_error_text
from flows.gates.unreadable import Kind, UnreadableFile, UnreadableKept
from flows.results.kept_file import AlteredFile, from_kept, to_kept
from flows.results.store import ResultStore, answers_path, form_path, question_path

T = TypeVar("T", bound=Frozen)


class _Answers(Frozen):
    question: Question
    answers: tuple[Answer, ...] = ()


class _Asked(Frozen):
    question: Question
    asked: datetime


class FormPlace(Frozen):
    """Where on a Prefect server a question's form was shown last: also after a kill, what was filled in is there."""

    flow_run_id: str
    response_key: str
    section: str = ""
    """The part of the form; empty where the form holds this one question."""


class _Forms(Frozen):
    forms: tuple[FormPlace, ...] = Field(default=())


_KINDS: Mapping[type[Frozen], Kind] = {_Answers: "answer", _Asked: "question", _Forms: "form"}


class KeptAnswers:
    """The kept questions and answers of a storage. Methods raise StorageError when it cannot be read or written."""

    def __init__(self, store: ResultStore) -> None:
        self._store = store

    async def get(self, question: Question) -> Answer | None:
        """The answer that counts, or None."""
        known = await self._read(answers_path(question.key), question.key, _Answers)
        return known.answers[-1] if known and known.answers else None

    async def keep(self, question: Question, answer: Answer) -> None:
        """Keeps the answer; when this returns, it outlives the process. One that adds nothing is left out."""
        path = answers_path(question.key)
        known = await self._read(path, question.key, _Answers)
        before = known.answers if known else ()
        if before and before[-1].covers(answer):
            return
        kept = _Answers(question=question, answers=(*before, answer))
        await self._write(path, question.key, kept)

    async def asked(self, question: Question) -> datetime:
        """When the question was asked first; now, if it was never asked."""
        path, now = question_path(question.key), datetime.now(UTC)
        content = to_kept(question.key, _Asked(question=question, asked=now).model_dump_json().encode())
        try:
            if await self._store.acreate(path, content):
                return now
        except OSError as error:
            raise StorageError(f"a question cannot be kept: {os_error_text(error)}") from error
        known = await self._read(path, question.key, _Asked)
        return known.asked if known else now

    async def question(self, key: str) -> Question | None:
        """The question with that key, if it was asked, or answered before anybody was asked."""
        if known := await self._read(question_path(key), key, _Asked):
            return known.question
        answered = await self._read(answers_path(key), key, _Answers)
        return answered.question if answered else None

    async def forms(self, question: Question) -> tuple[FormPlace, ...]:
        """Where the question's forms were shown, the latest last."""
        known = await self._read(form_path(question.key), question.key, _Forms)
        return known.forms if known else ()

    async def add_form(self, question: Question, place: FormPlace) -> None:
        """Keeps where the question's form is shown now."""
        before = await self.forms(question)
        await self._write(form_path(question.key), question.key, _Forms(forms=(*before, place)))

    async def _read(self, path: str, key: str, kind: type[T]) -> T | None:
        # What a person decided is not asked again by itself, as a model's reply would be.
        try:
            return kind.model_validate_json(from_kept(key, await self._store.aread_path(path)))
        except FileNotFoundError:
            return None
        except (OSError, AlteredFile, ValidationError) as error:
            reason = os_error_text(error) if isinstance(error, OSError) else str(error)
            reason = "it holds something else" if isinstance(error, ValidationError) else reason
            raise UnreadableKept([UnreadableFile(_KINDS[kind], f"{self._store.address}/{path}", reason)]) from error

    async def _write(self, path: str, key: str, kept: Frozen) -> None:
        try:
            await asyncio.to_thread(self._store.put, path, to_kept(key, kept.model_dump_json().encode()))
        except OSError as error:
            raise StorageError(f"an answer cannot be kept: {os_error_text(error)}") from error
