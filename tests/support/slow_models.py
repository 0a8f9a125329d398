"""Scripted models that are slow by a clock of the test's own, or that never reply."""

from __future__ import annotations

import asyncio

import pytest

from agents.llms import work_time
from agents.llms.scripted import Scripted
from contract.calls import ModelReply, ModelRequest

NEVER = "never"
"""The reply of a line that makes a model hang."""


def take_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float, output_name: str | None = None) -> None:
    """By the clock that counts work, each reply then takes so long; or each of that output."""
    passed, now, complete = [0.0], work_time._now, Scripted.complete  # type: ignore[reportPrivateUsage]

    async def slow(self: Scripted, request: ModelRequest) -> ModelReply:
        reply = await complete(self, request)
        passed[0] += seconds if output_name in (None, request.output_name) else 0
        return reply

    monkeypatch.setattr(work_time, "_now", lambda: now() + passed[0])
    monkeypatch.setattr(Scripted, "complete", slow)


def hang_on_never(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line whose reply is `NEVER` then gives none."""
    complete = Scripted.complete

    async def hanging(self: Scripted, request: ModelRequest) -> ModelReply:
        reply = await complete(self, request)
        if reply.text == NEVER:
            await asyncio.Event().wait()
        return reply

    monkeypatch.setattr(Scripted, "complete", hanging)
