"""The account of a study over all its attempts is what was billed, whatever interrupts them."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from decimal import Decimal
from pathlib import Path

import pytest

from contract.calls import ModelReply
from contract.messages import AgentTrace
from flows.accounting.call_journal import CallJournal
from flows.accounting.ledger import Totals
from flows.cli.progress import cost_line
from flows.run_folder.verify import verify
from flows.shards.shard_result import count_lost_payments
from tests.accounting.test_audit import artifacts
from tests.support.commands import ROOT
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.judging import CRITERIA, MODELS, billed_usd, make_posts, write_study
from tests.support.running import Lab, RunResult
from tests.support.traces import call, cell, record

CELLS = 3 * len(CRITERIA) * len(MODELS)


@pytest.fixture
def fake() -> Generator[FakeLLM]:
    """The model service, slow enough that two runs meet."""
    with FakeLLM(latency=0.1) as running:
        yield running


@pytest.fixture
def judged(lab: Lab, fake: FakeLLM) -> Lab:
    """Three posts by two criteria and three models, of which each call has a price."""
    write_study(lab.folder, fake.url, make_posts(3))
    lab.flow = "judged"
    lab.settings = ["run.retries=1"]
    return lab


def a_reply() -> ModelReply:
    """A reply that was paid for."""
    found = call("x").reply
    assert found
    return found


def totals(ran: RunResult) -> Totals:
    """The totals of a run that has ended."""
    assert ran.outcome
    return ran.outcome.totals


async def test_two_equal_runs_at_once_pay_once_and_lose_nothing_of_each_other(judged: Lab, fake: FakeLLM) -> None:
    ran = await asyncio.gather(judged.run(), judged.run())
    assert sorted(fake.stats()["by_key"].values()) == [1] * CELLS
    assert sum(totals(one).cost_usd for one in ran) == billed_usd(fake)
    for one in ran:
        assert totals(one).at_most_usd == billed_usd(fake)
        assert totals(one).calls_repeated == totals(one).calls_unanswered == 0
        assert (
            one.outcome
            and verify(one.outcome.folder, [judged.folder, ROOT / "conf"], str(judged.folder / "results")) == []
        )
    assert not [path for path in (judged.folder / "results" / "locks").rglob("*") if path.is_file()]


async def test_replies_that_were_always_cut_on_the_way_are_told_as_at_most(judged: Lab, fake: FakeLLM) -> None:
    fake.script(Rule(kind="cut"))
    first, second = await judged.run(), await judged.run()
    cut = fake.stats()["calls"]
    assert max(fake.stats()["by_key"].values()) <= 4, "twice in each run"
    assert totals(first).cost_usd == totals(second).cost_usd == 0
    assert 0 < totals(first).calls_unanswered < totals(second).calls_unanswered == cut
    most = totals(second).at_most_usd
    assert most and billed_usd(fake) < most < billed_usd(fake) * 100

    fake.script()
    third = await judged.run()
    assert totals(third).calls_repeated == cut and totals(third).calls_unanswered == 0
    assert totals(third).at_most_usd == billed_usd(fake)


async def test_what_gemini_broke_off_is_billed_named_and_asked_twice_at_most(judged: Lab, fake: FakeLLM) -> None:
    models = judged.folder / "models" / "served.yaml"
    served = models.read_text().replace("openai-compatible", "google").replace(f"{fake.url}/v1", fake.url)
    models.write_text(served.replace("  limits", "  api_key: none\n  limits"))
    fake.script(
        Rule(finish_reason="MALFORMED_FUNCTION_CALL", match="number 0"),
        Rule(finish_reason="LANGUAGE", match="number 1"),
    )
    ran = await judged.run()
    judgements = len(CRITERIA) * len(MODELS)
    assert fake.stats()["calls"] == judgements * (2 + 1 + 1)
    assert totals(ran).cost_usd == billed_usd(fake)
    notes = {(row.record_id, row.status, row.note or (row.error and row.error.message)) for row in ran.traces}
    assert ("p1", "refused", "the model, or its provider's filter, declined to answer (LANGUAGE)") in notes
    assert any(record == "p0" and "MALFORMED_FUNCTION_CALL" in str(why) for record, _, why in notes)


async def test_unknown_tokens_keep_the_worst_case_booked(judged: Lab, fake: FakeLLM) -> None:
    fake.script(Rule(usage="missing"))
    ran = await judged.run("budget=0.02")
    assert {row.status for row in ran.traces} == {"completed", "over_budget"}
    assert totals(ran).cost_unknown == fake.stats()["calls"] > 0
    assert totals(ran).at_most_usd is None


async def test_one_call_of_unknown_price_is_one_call(judged: Lab, fake: FakeLLM) -> None:
    fake.script(Rule(usage="missing", times=1))
    assert ", and 1 call whose price is unknown" in cost_line(totals(await judged.run()))


async def test_what_kept_replies_of_unknown_price_had_cost_is_unknown(judged: Lab, fake: FakeLLM) -> None:
    fake.script(Rule(usage="missing", match="number 0"))
    await judged.run()
    again = totals(await judged.run())
    unpriced = len(CRITERIA) * len(MODELS)
    assert (again.calls_paid, again.cost_unknown, again.kept_unknown) == (0, 0, unpriced)
    assert again.at_most_usd is None
    assert f"the price of {unpriced} of them is unknown" in cost_line(again)


async def test_what_a_broken_off_run_paid_stands_in_the_table_of_the_next(judged: Lab, fake: FakeLLM) -> None:
    spend = judged.folder / "results" / "spend"
    with CallJournal(spend, flow="judged", run="20260101T000000", flow_run_id="gone", shard=False) as journal:
        journal.call_started("k", "ann", Decimal(1))
        journal.call_answered("k", a_reply())
        journal.reply_kept("k")
    [left] = spend.glob("*.txt")
    await judged.run()
    table = (await artifacts(judged, "cost-judged"))[0]
    rows = [row for row in table if row["run"] == "20260101T000000"]
    assert [(row["model"], row["calls paid"]) for row in rows] == [("ann", 1)]
    assert not left.exists()
    await judged.run()
    newest = (await artifacts(judged, "cost-judged"))[0]
    assert not [row for row in newest if row["run"] == "20260101T000000"]


def test_the_calls_of_a_living_run_are_under_way_and_those_of_a_killed_one_are_lost(tmp_path: Path) -> None:
    living = CallJournal(tmp_path, flow="f")
    living.call_started("k", "ann", Decimal("0.5"))
    watching = CallJournal(tmp_path, flow="f")
    assert not watching.lost_calls("k")
    living._file.close()  # type: ignore[reportPrivateUsage] - as the operating system does at a kill
    assert [call.worst for call in watching.lost_calls("k")] == [Decimal("0.5")]
    kept = a_reply().model_copy(update={"paid_by": living.payer})
    counted = Totals(lost_calls=watching.lost_calls)
    asked = call("x").model_copy(update={"key": "k", "reply": kept})
    counted.add(cell(record(1), {"model": "ann"}, calls=[asked]), fresh=False)
    assert counted.calls_repeated == counted.calls_unanswered == 0


def test_what_a_lost_shard_paid_is_paid_by_the_run_that_gathers() -> None:
    def paid_by(run: str) -> AgentTrace:
        asked = call(run, cost=Decimal("0.25"))
        assert asked.reply
        reply = asked.reply.model_copy(update={"paid_by": f"{run}/attempt"})
        return cell(record(1), {"model": "ann"}, calls=[asked.model_copy(update={"reply": reply})])

    traces = [paid_by(run) for run in ("lost", "here", "last-year")]
    gathered = Totals(payers={"here"})
    for trace in traces:
        gathered.add(trace, fresh=False)
    assert (gathered.cost_usd, gathered.cost_kept_usd) == (Decimal("0.25"), Decimal("0.50"))
    count_lost_payments(gathered, traces, {"lost"})
    assert (gathered.cost_usd, gathered.cost_kept_usd) == (Decimal("0.50"), Decimal("0.25"))
    [(_, _, spent)] = gathered.costs.as_json()
    assert (spent["calls_paid"], spent["calls_kept"], spent["cost_usd"]) == (2, 1, "0.50")


async def test_replies_that_fitted_no_schema_are_in_the_account_of_every_later_run(judged: Lab, fake: FakeLLM) -> None:
    fake.script(Rule(kind="wrong_schema"))
    first = await judged.run()
    assert fake.stats()["calls"] == 3 * CELLS
    assert totals(first).at_most_usd == totals(first).cost_usd == billed_usd(fake)
    assert totals(first).calls_repeated == 0
    fake.script()
    second, third = await judged.run(), await judged.run()
    assert fake.stats()["calls"] == 4 * CELLS
    for later in (second, third):
        assert totals(later).at_most_usd == billed_usd(fake)
        assert totals(later).calls_repeated == 3 * CELLS
