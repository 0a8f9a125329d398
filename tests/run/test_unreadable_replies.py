"""A service whose replies are cut or not what its protocol promises: asked twice at most, told once, all counted."""

from __future__ import annotations

import pytest

from agents.llms.rate_limits import Limited
from contract.errors import ModelUnusable, ReplyBroken, ReplyUnreadable
from contract.models import Limits
from tests.agents.llms.requests import make_request
from tests.agents.llms.test_rate_limits import Acting
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.fake_models import FLOW, KEY
from tests.support.running import Lab

CELLS = 12


def write_study(lab: Lab, fake: FakeLLM) -> None:
    """Twelve posts, and a model with a price that is asked about three at a time."""
    lab.write("flows/tiny.yaml", FLOW)
    lab.write_posts([{"record_id": f"p{number}", "text": f"Post {number}."} for number in range(CELLS)])
    price = "{input_per_mtok: 1, output_per_mtok: 1}"
    lab.write(
        "models/fake.yaml",
        f"fake: {{kind: hosted, provider: openai-compatible, model_id: m, base_url: '{fake.openai_url}', "
        f"api_key: {KEY}, price: {price}, limits: {{concurrency: 3}}}}\n",
    )


async def test_a_service_that_sends_web_pages_is_given_up_after_the_second(lab: Lab, hosted_service: FakeLLM) -> None:
    hosted_service.log.reset()
    hosted_service.script(Rule(body="<html><body>Please log in</body></html>"))
    write_study(lab, hosted_service)
    ran = await lab.run()
    rows = ran.rows("ask")
    assert {row.status for row in rows} == {"failed"} and len(rows) == CELLS
    stats = hosted_service.stats()
    assert max(stats["by_key"].values()) <= 2
    assert stats["calls"] <= CELLS + 3, "nothing is sent once two replies in a row were no replies"
    [message] = {row.error.message for row in rows if row.error}
    assert "also when it was asked again" in message and "this run asks it no more" in message
    assert ran.outcome
    totals = ran.outcome.totals
    assert totals.calls_unanswered + totals.calls_repeated == stats["calls"], "a page may have been billed as a reply"


async def test_one_text_that_breaks_a_service_costs_no_other_its_answer(lab: Lab, hosted_service: FakeLLM) -> None:
    hosted_service.log.reset()
    hosted_service.script(Rule(match="Post 5.", body='{"choices": 7}'))
    write_study(lab, hosted_service)
    ran = await lab.run()
    assert {row.record_id: row.status for row in ran.rows("ask") if row.status != "completed"} == {"p5": "failed"}
    assert max(hosted_service.stats()["by_key"].values()) == 2
    [broken] = [row for row in ran.rows("ask") if row.record_id == "p5"]
    assert broken.error and "Such replies may be billed" in broken.error.message
    assert "no more" not in broken.error.message


async def test_ten_unreadable_replies_in_a_row_are_enough() -> None:
    async def act(_: int) -> None:
        raise ReplyUnreadable("not the JSON")

    model = Limited(inner := Acting(act), Limits())
    for number in range(15):
        with pytest.raises((ReplyUnreadable, ModelUnusable)):
            await model.complete(make_request(str(number)))
    assert inner.calls == 10


async def test_a_reply_that_is_cut_on_the_wire_is_asked_for_twice(lab: Lab, hosted_service: FakeLLM) -> None:
    hosted_service.log.reset()
    hosted_service.script(Rule(match="Post 5.", kind="cut"))
    write_study(lab, hosted_service)
    ran = await lab.run()
    assert {row.record_id: row.status for row in ran.rows("ask") if row.status != "completed"} == {"p5": "failed"}
    stats = hosted_service.stats()
    assert max(stats["by_key"].values()) == 2
    [cut] = [row for row in ran.rows("ask") if row.record_id == "p5"]
    assert cut.error and "cut off on the wire, also when it was asked again" in cut.error.message
    assert "Such replies may be billed" in cut.error.message and "no more" not in cut.error.message
    assert ran.outcome
    totals = ran.outcome.totals
    assert totals.calls_paid + totals.calls_unanswered + totals.calls_repeated == stats["calls"]
    assert totals.calls_unanswered + totals.calls_repeated == 2, "both may have been billed"


async def test_a_service_whose_replies_are_all_cut_is_given_up(lab: Lab, hosted_service: FakeLLM) -> None:
    hosted_service.log.reset()
    hosted_service.script(Rule(kind="cut"))
    write_study(lab, hosted_service)
    ran = await lab.run()
    rows = ran.rows("ask")
    assert {row.status for row in rows} == {"failed"}
    stats = hosted_service.stats()
    assert max(stats["by_key"].values()) <= 2
    [message] = {row.error.message for row in rows if row.error}
    assert "this run asks it no more" in message
    assert ran.outcome
    assert ran.outcome.totals.calls_unanswered + ran.outcome.totals.calls_repeated == stats["calls"]


async def test_a_moment_without_a_network_ends_no_model() -> None:
    async def act(call: int) -> None:
        if call <= 15:
            raise ReplyBroken("cut off on the wire")

    model = Limited(inner := Acting(act), Limits())
    for number in range(15):
        with pytest.raises(ReplyBroken) as caught:
            await model.complete(make_request(str(number)))
        assert caught.value.is_worth_a_try
    for number in range(15):
        assert await model.complete(make_request(str(number)))
    assert inner.calls == 30


async def test_the_same_reply_cut_twice_is_not_asked_for_again() -> None:
    async def act(_: int) -> None:
        raise ReplyBroken("cut off on the wire")

    model = Limited(Acting(act), Limits())
    for again in (True, False):
        with pytest.raises(ReplyBroken) as caught:
            await model.complete(make_request("one"))
        assert caught.value.is_worth_a_try is again
