"""Budgets: no call may exceed one, the run's state reports it, and the next run continues from there."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal

import pytest

from contract.errors import StudyError
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.judging import CRITERIA, MODELS, billed_usd, make_posts, write_study
from tests.support.running import Lab, RunResult

CELLS = 6 * len(CRITERIA) * len(MODELS)


@pytest.fixture
def fake() -> Generator[FakeLLM]:
    """The model service."""
    with FakeLLM(latency=0.02) as running:
        yield running


@pytest.fixture
def judged(lab: Lab, fake: FakeLLM) -> Lab:
    """Six posts by two criteria and three models, of which each call has a price."""
    write_study(lab.folder, fake.url, make_posts(6))
    lab.flow = "judged"
    return lab


def paid(ran: RunResult) -> Decimal:
    """US dollars that the run reports as paid."""
    assert ran.outcome
    return ran.outcome.totals.cost_usd


async def test_a_budget_is_never_exceeded_and_a_larger_one_continues_the_run(judged: Lab, fake: FakeLLM) -> None:
    whole = Decimal("0.02")
    first = await judged.run(f"budget={whole}")
    statuses = [row.status for row in first.traces]
    assert Decimal(0) < billed_usd(fake) <= whole
    assert paid(first) == billed_usd(fake)
    assert first.state.name == "BudgetReached" and "run again with a larger one" in (first.state.message or "")
    assert set(statuses) == {"completed", "over_budget"} and len(statuses) == CELLS
    calls = fake.stats()["calls"]

    second = await judged.run("budget=100")
    assert {row.status for row in second.traces} == {"completed"}
    assert second.calls == (CELLS - calls, calls)
    assert paid(first) + paid(second) == billed_usd(fake)
    assert second.outcome and second.outcome.totals.cost_kept_usd == paid(first)


async def test_replies_that_are_asked_for_again_and_retries_are_paid_for_as_billed(judged: Lab, fake: FakeLLM) -> None:
    fake.script(
        Rule(kind="wrong_schema", times=4),
        Rule(kind="status", status=503, times=3),
        Rule(kind="refusal", times=2),
        Rule(kind="cut", times=2),
    )
    ran = await judged.run("budget=100")
    assert ran.outcome
    totals = ran.outcome.totals
    assert {row.status for row in ran.traces} == {"completed", "refused"}
    assert totals.calls_repeated == 2
    assert totals.cost_usd + totals.cost_repeated_usd == billed_usd(fake)


async def test_without_a_budget_there_is_no_limit_and_no_spend_journal_is_left(judged: Lab, fake: FakeLLM) -> None:
    ran = await judged.run()
    assert paid(ran) == billed_usd(fake)
    assert not [path for path in (judged.folder / "results" / "spend").glob("*") if path.is_file()]


async def test_a_budget_is_refused_where_a_price_is_unknown(judged: Lab) -> None:
    path = judged.folder / "models" / "served.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  price: {input_per_mtok: 1, output_per_mtok: 2}\n", ""))
    with pytest.raises(StudyError, match=r"served.yaml:\d+: the price of 'ann' is not known, so the budget of \$5"):
        judged.compose("budget=5")
    ran = await judged.run()
    assert ran.outcome and ran.outcome.totals.cost_unknown == CELLS
