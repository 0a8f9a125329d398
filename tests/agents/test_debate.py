"""Debates and panels: models decide by quotations, and votes are counted by code."""

from __future__ import annotations

from typing import Any

import pytest

from agents.prompting.criteria import Criterion
from contract.errors import MissingInput
from contract.findings import CitedAnswer
from flows.report.answer_markdown import answer_markdown
from tests.agents.agent_calls import ask_agent, judgement, plain_value, replying_with

CRITERION = Criterion(name="one", title="One", text="Do no harm.", verdicts=("violates", "does_not_violate", "unclear"))
FIRST, SECOND = "Slurs are always removed.", "Slurs may stay where they condemn."
DIVERGENCE = {
    "topic": "whether slurs stay",
    "positions": [{"position": FIRST, "held_by": ["A1", "A2"]}, {"position": SECOND, "held_by": ["A3"]}],
}
LABELS = [{"label": "A1", "model": "m0"}, {"label": "A2", "model": "m1"}, {"label": "A3", "model": "m1", "repeat": 1}]
DIFFERENCES = {"conclusion": "They part.", "divergences": [DIVERGENCE], "answers": LABELS}


def answer(text: str, quote: str) -> dict[str, Any]:
    citation = {"quote": quote, "passage_id": "p", "record_id": "r", "title": "A case", "section": "text"}
    return {"question": "Q?", "claims": [{"text": text, "citations": [citation]}], "model": "m"}


ANSWERS = [answer(FIRST, "always removed"), answer(FIRST, "every slur"), answer(SECOND, "used to condemn")]


@pytest.mark.parametrize(
    ("verdicts", "tie", "expected", "uncertainty"),
    [
        (["violates"], None, "violates", "low"),
        (["violates", "violates", "unclear"], None, "violates", "medium"),
        (["violates", "unclear", "does_not_violate", "unclear"], None, "unclear", "medium"),
        (["violates", "does_not_violate"], "unclear", "unclear", "high"),
        (["violates", "violates", "does_not_violate", "does_not_violate", "unclear"], "unclear", "unclear", "high"),
    ],
)
async def test_the_majority_is_counted(verdicts: list[str], tie: str | None, expected: str, uncertainty: str) -> None:
    answers = [judgement(verdict, model=f"m{number}") for number, verdict in enumerate(verdicts)]
    output = await ask_agent("majority", replying_with(), {"answers": answers}, CRITERION, tie=tie)
    value = plain_value(output)
    assert (value["verdict"], value["uncertainty"]) == (expected, uncertainty)
    assert (
        f"of {len(verdicts)} votes" in value["conclusion"]
        and f"{verdicts[0]} {verdicts.count(verdicts[0])}" in (value["conclusion"])
    )
    numbers = range(1, len(verdicts) + 1)
    given = [number for number in numbers if verdicts[number - 1] == expected] or numbers
    assert [reason["reason"] for reason in value["reasons"]] == [f"A{number}: it does" for number in given]


@pytest.mark.parametrize(
    ("tie", "message"),
    [
        (None, "there is no majority: violates 1, unclear 1"),
        ("perhaps", "`tie` is 'perhaps', but the criterion's verdicts"),
    ],
)
async def test_a_tie_is_decided_by_nobody(tie: str | None, message: str) -> None:
    answers = [judgement("violates", model="a"), judgement("unclear", model="b")]
    with pytest.raises(MissingInput, match=message):
        await ask_agent("majority", replying_with(), {"answers": answers}, CRITERION, tie=tie)


async def test_a_matter_is_decided_by_its_quotations_and_not_by_who_holds_it() -> None:
    models = replying_with({"reason": "It is quoted.", "position": "V3"}, {"reason": "It is quoted.", "position": "v2"},
                           {"reason": "It is quoted.", "position": "V2"})  # fmt: skip
    output = await ask_agent("resolver", models, {"divergence": DIVERGENCE, "answers": ANSWERS, "question": "Q?"})
    assert plain_value(output)["position"] == 2
    shown = output.calls[0].messages[-1].text
    assert "always removed" in shown and "used to condemn" in shown
    assert "A1" not in shown and "held_by" not in shown


async def votes(*positions: int | None) -> CitedAnswer:
    resolutions = [
        {"divergence": DIVERGENCE, "position": position, "reason": "so", "model": f"m{number}"}
        for number, position in enumerate(positions)
    ]
    inputs = {"differences": DIFFERENCES, "resolutions": resolutions}
    counted = plain_value(await ask_agent("ballot", replying_with(), inputs))
    inputs = {"question": "Q?", "answers": [ANSWERS[0]], "passages": [], "differences": DIFFERENCES, "votes": counted}
    return CitedAnswer.model_validate(plain_value(await ask_agent("answer", replying_with(), inputs)))


@pytest.mark.parametrize(
    ("positions", "expected", "outcome", "sentence"),
    [
        ((2, 2, 1), (1, 2), SECOND, f"Most votes: {SECOND}"),
        ((1, 2), (1, 1), None, "No position has the most votes."),
        ((None, None), (0, 0), None, "No position has the most votes; undecided: 2."),
        ((None, 1), (1, 0), FIRST, f"Most votes; undecided: 1: {FIRST}"),
        ((), (0, 0), None, "No position has the most votes."),
    ],
)
async def test_votes_on_a_matter(positions: Any, expected: Any, outcome: str | None, sentence: str) -> None:
    cited = await votes(*positions)
    [vote] = cited.votes
    assert (vote.votes, vote.outcome) == (expected, outcome)
    page = answer_markdown(cited)
    assert sentence in page and f"(A1, A2; votes: {expected[0]})" in page
    assert "*A1 is m0, A2 is m1 (repeat 1), A3 is m1 (repeat 2).*" in page


async def test_labels_that_nothing_names_are_not_explained() -> None:
    cited = await votes(1, 1)
    assert cited.differences
    agreed = cited.differences.model_copy(update={"divergences": (), "conclusion": "The answers agree."})
    assert "A1 is" not in answer_markdown(cited.model_copy(update={"differences": agreed}))
    named = agreed.model_copy(update={"conclusion": "A1 says more than the others."})
    assert "A1 is m0" in answer_markdown(cited.model_copy(update={"differences": named}))


async def test_the_label_of_a_position_is_one_of_those_that_there_are() -> None:
    models = replying_with({"reason": "It is quoted.", "position": "undecided"})
    output = await ask_agent("resolver", models, {"divergence": DIVERGENCE, "answers": ANSWERS})
    schema: Any = models.scripted.requests[0].output_schema
    assert [*schema["properties"]["position"]["enum"]] == ["V1", "V2", "undecided"]
    assert plain_value(output)["position"] is None


async def test_where_no_search_ended_nothing_is_said_of_the_corpus() -> None:
    inputs = {"question": "Q?", "answers": [{"question": "Q?"}], "passages": None}
    with pytest.raises(MissingInput, match="the search gave no result, so what the corpus says is not known"):
        await ask_agent("answer", replying_with(), inputs)


TOOLS = [{"name": "search", "description": "", "input_schema": {"properties": {"queries": {"type": "array"}}}}]


async def test_an_explorer_asks_each_question_once_and_stops() -> None:
    models = replying_with(
        {"reason": "an exception", "question": "What of satire?", "queries": ["satire", "irony"]},
        {"reason": "again", "question": "what of SATIRE?"},
        {"reason": "an exception", "question": "What of newspapers?"},
        {"reason": "enough", "question": " "},
    )
    start = {"question": "When do slurs stay?", "tools": TOOLS}
    first = plain_value(await ask_agent("explorer", models, start))
    assert (first["target"], first["inputs"]) == ("search", {"queries": ["satire", "irony"]})
    second = plain_value(await ask_agent("explorer", models, {**start, "answers": ANSWERS[:1], "previous": first}))
    assert second["inputs"] == {"queries": ["What of newspapers?"]}
    assert second["metadata"]["asked"] == ["What of satire?", "What of newspapers?"]
    last = plain_value(await ask_agent("explorer", models, {**start, "answers": ANSWERS[1:], "previous": second}))
    assert last["target"] == "stop" and last["metadata"]["learned"] == [FIRST, SECOND]
