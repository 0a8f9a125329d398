"""A model whose replies never fit is asked no more in that run, and the next run asks it again."""

from __future__ import annotations

import pytest

from tests.support.fake_llm import FakeLLM, Rule
from tests.support.running import Lab
from tests.support.served_study import write_served_study

POSTS = 13
UNFIT = Rule(kind="wrong_schema")


@pytest.fixture
def study(lab: Lab, hosted_service: FakeLLM) -> Lab:
    """Posts that one hosted model is asked about, one after the other."""
    hosted_service.log.reset()
    write_served_study(lab, hosted_service, [{"record_id": f"p{n:02}", "text": f"post {n:02}"} for n in range(POSTS)])
    lab.settings = ["run.concurrency=1"]
    return lab


async def test_a_model_that_never_fits_is_stopped_once_and_asked_again_by_the_next_run(
    study: Lab, hosted_service: FakeLLM
) -> None:
    hosted_service.script(UNFIT)
    rows = (await study.run()).rows("ask")
    assert hosted_service.stats()["calls"] == 10 * 3
    errors = [row.error for row in rows if row.error]
    assert [error.kind for error in errors] == ["OutputInvalid"] * 10 + ["ModelUnusable"] * (POSTS - 10)
    [told] = {error.message for error in errors[10:]}
    assert (
        "none of its replies in 10 cells had the form" in told
        and "`text` is missing" in told
        and "the same command asks again" in told
    )

    hosted_service.log.reset()
    hosted_service.script()
    assert {row.status for row in (await study.run()).rows("ask")} == {"completed"}
    assert hosted_service.stats()["calls"] == POSTS


async def test_a_model_that_was_understood_once_is_asked_on(study: Lab, hosted_service: FakeLLM) -> None:
    hosted_service.script(Rule(match="post 00"), UNFIT)
    rows = (await study.run()).rows("ask")
    assert sum(row.status == "completed" for row in rows) == 1
    assert hosted_service.stats()["calls"] == 1 + 3 * (POSTS - 1)
