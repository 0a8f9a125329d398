"""Kept answers, questions and forms that cannot be read: all of them are told at once, each by its name."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from contract.errors import StorageError

T = TypeVar("T")
Kind = Literal["answer", "question", "form"]
_READ_AT_ONCE = 50
_ONE: Mapping[Kind, str] = {
    "answer": "a kept answer of a person cannot be read",
    "question": "a kept question, which says when it was first asked, cannot be read",
    "form": "the kept place of a form cannot be read",
}
_SEVERAL: Mapping[Kind, str] = {
    "answer": "{} kept answers of people cannot be read",
    "question": "{} kept questions, which say when they were first asked, cannot be read",
    "form": "the kept places of the forms of {} questions cannot be read",
}
_TODO: Mapping[Kind, str] = {
    "answer": "bring it back from a copy, or remove it, and the question is asked again",
    "question": "bring it back from a copy, or remove it, and its time counts anew",
    "form": "bring it back from a copy, or remove it, and what was filled in there does not count",
}


@dataclass(frozen=True)
class UnreadableFile:
    """One kept file that cannot be read."""

    kind: Kind
    place: str
    reason: str


class UnreadableKept(StorageError):
    """Kept files that cannot be read."""

    def __init__(self, files: Sequence[UnreadableFile]) -> None:
        self.files = tuple(dict.fromkeys(files))
        kinds: dict[Kind, None] = dict.fromkeys(one.kind for one in self.files)
        super().__init__("\n".join(_sentence(kind, [one for one in self.files if one.kind == kind]) for kind in kinds))


def _sentence(kind: Kind, files: Sequence[UnreadableFile]) -> str:
    places = ", ".join(f"{one.place} ({one.reason})" for one in files)
    what = _ONE[kind] if len(files) == 1 else _SEVERAL[kind].format(len(files))
    return f"{what}: {places}; {_TODO[kind] if len(files) == 1 else f'for each: {_TODO[kind]}'}"


async def all_readable(reads: Sequence[Coroutine[None, None, T]]) -> list[T]:
    """What each of them gives. Raises UnreadableKept for all files that cannot be read, once all have been tried."""
    slots = asyncio.Semaphore(_READ_AT_ONCE)

    async def read(one: Coroutine[None, None, T]) -> T:
        async with slots:
            return await one

    found = await asyncio.gather(*map(read, reads), return_exceptions=True)
    if files := [file for one in found if isinstance(one, UnreadableKept) for file in one.files]:
        raise UnreadableKept(files)
    given = list[T]()
    for one in found:
        if isinstance(one, BaseException):
            raise one
        given.append(one)
    return given
