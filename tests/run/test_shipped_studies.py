"""The shipped studies with the embedded model: they run to their end without a key, with sensible rows."""

from __future__ import annotations

from collections import Counter

import pytest

from contract.flow import Loop, Step
from flows.compose.compose import compose
from flows.spec.nodes import walk_nodes
from tests.support.running import Lab
from tests.support.small_study import plain_value

STUDIES = ("tox", "trans", "vaw", "judger")
KEYS = ("GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")


@pytest.mark.parametrize("llms", ["embedded", "lite", "full"])
def test_shipped_studies_compose_with_every_choice_of_models(llms: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        monkeypatch.setenv(key, "planted")
    studies = compose(list(STUDIES), [f"llms={llms}"], None)
    assert [study.flow.name for study in studies] == list(STUDIES)
    for study in studies:
        assert study.flow.measures is not None
        assert study.flow.measures.verdicts == "judge"
        assert study.flow.content_warning


def test_the_judges_are_several_and_a_revision_is_bounded() -> None:
    [study] = compose(["trans"], [], None)
    placed = {node.name: node.node for node in walk_nodes(study.flow, ())}
    judge, review = placed["judge"], placed["review"]
    assert isinstance(judge, Step)
    assert isinstance(review, Loop)
    assert judge.variants["model"] == ("demo", "demo_average")
    assert review.max_rounds == 2


@pytest.mark.parametrize("flow", ["trans", "vaw"])
async def test_shipped_studies_run_to_their_end(lab: Lab, flow: str) -> None:
    lab.flow = flow
    lab.folder.mkdir(parents=True)
    ran = await lab.run("sample=6")
    assert ran.state.is_completed()
    assert {row.status for row in ran.traces} <= {"completed", "skipped"}
    counted = Counter(row.step for row in ran.traces if row.status == "completed" and row.round <= 1)
    assert (counted["judge"], counted["synthesise"], counted["differences"], counted["score"]) == (12, 6, 6, 18)
    for row in (*ran.rows("judge"), *ran.rows("synthesise")):
        made = plain_value(row)
        assert made["quality"] == "demonstration"
        quotes = [quote for reason in made["reasons"] for quote in reason["quotes"]]
        assert {quote["status"] for quote in quotes} == {"found"}
    if flow == "trans":
        again = {row.record_id for row in ran.rows("judge") if row.round == 2}
        raised = {row.record_id for row in ran.rows("owl") if row.round == 1 and plain_value(row)["raised"]}
        assert again == raised
