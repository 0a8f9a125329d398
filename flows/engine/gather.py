"""Runs coroutines concurrently, and raises the first error itself instead of an exception group."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def gather_or_raise(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Returns the results in the order of the jobs. The first job that fails ends the others; raises its error."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None
    return [task.result() for task in tasks]


def first_error(error: BaseException) -> BaseException:
    """The error itself, or the first one of a group, however deep."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]  # type: ignore[reportUnknownMemberType,reportUnknownVariableType]
    return error  # type: ignore[reportUnknownVariableType]
