"""A service whose replies are not what its protocol promises: asked twice at most, told once, and all of it counted."""

from __future__ import annotations

import pytest

from agents.llms.rate_limits import Limited
from contract.errors import ModelUnusable, ReplyUnreadable
from contract.models import Limits
from tests.agents.llms.requests import make_request
from tests.agents.llms.test_rate_limits import Acting
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.fake_models import KEY
from tests.support.running import Lab

FLOW = """\
description: Tiny.
records: posts
steps:
  ask: {agent: llm, parameters: {model: fake, template: "user:\\n{{ record.text }}"}}
result: ask
"""
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
