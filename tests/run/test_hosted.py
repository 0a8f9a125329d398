"""Hosted models through a whole flow: how each thing that can go wrong on the wire ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import pytest

from agents.llms import rate_limits as limits
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.fake_models import PROVIDERS, write_hosted_model
from tests.support.running import Lab

FLOW = """\
description: Tiny.
parameters: {question: {required: true}}
records: parameters.question
steps:
  ask: {agent: llm, parameters: {model: fake, template: "user:\\n{{ record.text }}"}}
result: ask
"""


@dataclass(frozen=True)
class Case:
    """What the service does, and how the cell is to end."""

    name: str
    rule: Rule
    status: str
    state: str
    calls: int
    attempts: int
    error: str | None = None
    replies: int = 0
    """Replies in the trace."""


WELL = ("completed", "Completed")
CASES = [
    Case("good", Rule(), *WELL, 1, 1, replies=1),
    Case("rate limit", Rule(kind="status", status=429, retry_after="3", times=1), *WELL, 2, 2, replies=1),
    Case("server error", Rule(kind="status", status=500, times=1), *WELL, 2, 2, replies=1),
    Case("overloaded", Rule(kind="status", status=529, times=2), *WELL, 3, 3, replies=1),
    Case("always down", Rule(kind="status", status=500), "failed", "Failed", 3, 3, "ModelUnavailable"),
    Case("no answer", Rule(kind="hang", times=1), *WELL, 2, 2, replies=1),
    Case("cut on the wire", Rule(kind="cut", times=1), *WELL, 2, 2, replies=1),
    Case("half a JSON text", Rule(kind="broken_json", times=1), *WELL, 2, 2, replies=1),
    Case("wrong key", Rule(kind="status", status=401), "failed", "Failed", 1, 1, "ModelRejected"),
    Case("wrong schema once", Rule(kind="wrong_schema", times=1), *WELL, 2, 1, replies=2),
    Case("wrong schema always", Rule(kind="wrong_schema"), "failed", "Failed", 3, 1, "OutputInvalid", replies=3),
    Case("refusal", Rule(kind="refusal"), "refused", "Refused", 1, 1, replies=1),
    Case("filter", Rule(kind="blocked"), "refused", "Refused", 1, 1, replies=1),
    Case("cut at the limit", Rule(kind="length"), "truncated", "Truncated", 1, 1, replies=1),
]


@pytest.fixture(scope="module")
def service() -> Iterator[FakeLLM]:
    """One fake service for all cases."""
    import_module("agents.llms.hosted.pydantic_ai_service")
    with FakeLLM() as fake:
        yield fake


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits that a service asks for take no time; they are listed."""
    waited: list[float] = []

    class Quick(limits.Clock):
        def __init__(self) -> None:
            passed = 0.0

            async def sleep(seconds: float) -> None:
                nonlocal passed
                waited.append(seconds)
                passed += seconds

            super().__init__(now=lambda: passed, sleep=sleep)

    monkeypatch.setattr(limits, "Clock", Quick)
    return waited


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_how_it_ends(lab: Lab, service: FakeLLM, quick: list[float], provider: str, case: Case) -> None:
    service.log.reset()
    service.script(case.rule.model_copy())
    write_hosted_model(lab, service, provider, timeout=2 if case.rule.kind == "hang" else 30)
    lab.write("flows/tiny.yaml", FLOW)
    ran = await lab.run("question=Why?", "run.retries=2")
    [row] = ran.rows("ask")
    [cell] = ran.server.cells
    assert (row.status, cell.state_name) == (case.status, case.state)
    assert (service.stats()["calls"], row.attempts, cell.run_count) == (case.calls, case.attempts, case.attempts)
    assert row.error is None if case.error is None else row.error and row.error.kind == case.error
    assert len([call for call in row.calls if call.reply]) == case.replies
    assert len(row.calls) == case.calls
    assert quick == ([3] if case.name == "rate limit" else [])
