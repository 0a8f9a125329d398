"""Hosted models through a whole flow: how a cell ends for each failure on the wire."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from agents.llms import rate_limits as limits
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.fake_models import PROVIDERS, write_hosted_model
from tests.support.question_flow import question_flow
from tests.support.running import Lab

FLOW = question_flow("fake")


@dataclass(frozen=True)
class Case:
    """What the service does, and how the cell must end."""

    name: str
    rule: Rule
    status: str
    state: str
    calls: int
    attempts: int
    error: str | None = None
    replies: int = 0
    """How many replies the trace holds."""


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
    Case("wrong key", Rule(kind="status", status=401), "failed", "Failed", 1, 1, "ModelUnusable"),
    Case("wrong schema once", Rule(kind="wrong_schema", times=1), *WELL, 2, 1, replies=2),
    Case("wrong schema always", Rule(kind="wrong_schema"), "failed", "Failed", 3, 1, "OutputInvalid", replies=3),
    Case("refusal", Rule(kind="refusal"), "refused", "Refused", 1, 1, replies=1),
    Case("filter", Rule(kind="blocked"), "refused", "Refused", 1, 1, replies=1),
    Case("cut at the limit", Rule(kind="length"), "truncated", "Truncated", 1, 1, replies=1),
]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits in seconds that a service asked for; they take no time."""
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
async def test_how_a_cell_ends(
    lab: Lab, hosted_service: FakeLLM, waits: list[float], provider: str, case: Case
) -> None:
    hosted_service.log.reset()
    hosted_service.script(case.rule.model_copy())
    write_hosted_model(lab, hosted_service, provider, timeout=2 if case.rule.kind == "hang" else 30)
    lab.write("flows/tiny.yaml", FLOW)
    ran = await lab.run("question=Why?", "run.retries=2")
    [row] = ran.rows("ask")
    [cell] = ran.server.cells
    assert (row.status, cell.state_name) == (case.status, case.state)
    assert (hosted_service.stats()["calls"], row.attempts, cell.run_count) == (case.calls, case.attempts, case.attempts)
    assert row.error is None if case.error is None else row.error and row.error.kind == case.error
    assert len([call for call in row.calls if call.reply]) == case.replies
    assert len(row.calls) == case.calls
    assert waits == ([3] if case.name == "rate limit" else [])
