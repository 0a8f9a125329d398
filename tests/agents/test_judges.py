"""Agents of studies on their own: what they show to models, what they make of replies, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from agents.base.registry import load
from agents.prompting.criteria import Criterion, Example
from contract.base import digest
from contract.errors import MissingInput, OutputInvalid
from contract.messages import AgentInput
from contract.record import ImagePart, Record
from tests.agents.agent_calls import RECORD, ask, found, given, judgement, lost, reasons, says, value

ONE = Criterion(
    name="one",
    title="A rule",
    text="Do no harm.",
    examples=(Example(text="A blow.", verdict="violates", reason="It hurts."),),
)
PIXEL = ImagePart(mime="image/png", data="iVBORw0KGgo=")


async def test_a_judge_is_shown_the_criterion_with_its_examples_and_never_the_ground_truth() -> None:
    book = says(reasons("violates", "asked for nothing"))
    output = await ask("judge", book, {}, ONE, criteria="one")
    [request] = book.scripted.requests
    for words in ("A rule", "Do no harm.", "A blow.", "It hurts.", "violates, does_not_violate, unclear"):
        assert words in request.messages[0].text
    assert "ground_truth" not in request.model_dump_json()
    schema: Any = request.model_dump(mode="json")["output_schema"]
    assert next(iter(schema["properties"])) == "verdict"
    assert schema["properties"]["verdict"]["enum"] == ["violates", "does_not_violate", "unclear"]
    assert (value(output)["criteria"], value(output)["model"], value(output)["quality"]) == ("one", "one", "full")


async def test_a_judge_without_criteria_says_so() -> None:
    asked = AgentInput(record=RECORD, parameters={"model": "one", "criteria": "one"})
    bare = given(says())
    with pytest.raises(MissingInput, match="no criteria"):
        await load("judge")().process(asked, type(bare)(models=bare.models, prompts=bare.prompts))


def key(criterion: Criterion = ONE, **inputs: Any) -> str:
    asked = AgentInput(record=RECORD, inputs=inputs, parameters={"model": "one", "criteria": "one"})
    return digest(load("judge")().depends_on(asked, given(says(), criterion)))


def test_what_does_not_concern_a_judge_is_no_part_of_its_key() -> None:
    mine = {"raised": True, "concern": "Look again.", "criteria": "one"}
    others = [{**mine, "criteria": "two"}, {**mine, "raised": False, "concern": ""}]
    assert key() == key(concerns=others) == key(concerns=None, description=None)
    assert key() != key(concerns=[mine])
    assert key(concerns=[mine]) == key(concerns=[*others, mine])


@pytest.mark.parametrize(
    "change",
    [{"text": "Do much good."}, {"verdicts": ("violates", "does_not_violate")}, {"examples": ()}, {"title": "B"}],
)
def test_whatever_a_judge_goes_by_is_part_of_its_key(change: dict[str, Any]) -> None:
    assert key() != key(ONE.model_copy(update=change))


async def test_a_picture_that_is_only_an_address_is_neither_sent_nor_fetched() -> None:
    picture = ImagePart(mime="image/png", uri="https://pictures.example/1.png")
    record = Record(record_id="p", text="Look.", images=(picture,))
    with pytest.raises(MissingInput, match="addresses are not fetched"):
        await ask("judge", seeing(), {}, ONE, record=record, criteria="one")
    told = Record(record_id="p", text="Look.", images=(picture.model_copy(update={"alt_text": "a boat"}),))
    book = seeing(reasons())
    await ask("judge", book, {}, ONE, record=told, criteria="one")
    assert "pictures.example" not in book.scripted.requests[0].model_dump_json()
    assert "a boat" in book.scripted.requests[0].messages[-1].text


def seeing(*replies: Any) -> Any:
    book = says(*replies)
    book.scripted._sees_images = True  # type: ignore[reportPrivateUsage]
    return book


async def test_a_synthesis_quotes_only_what_the_answers_found() -> None:
    answers = [judgement("violates", found("They were asked for nothing")), judgement("unclear", lost("never said"))]
    reply = reasons("violates", "asked for nothing", "told nothing", "never said")
    output = await ask("verdict_synthesiser", says(reply), {"answers": answers}, ONE)
    quotes = value(output)["reasons"][0]["quotes"]
    assert [(quote["status"], quote["start"]) for quote in quotes] == [
        ("found", 10),
        ("not_found", None),
        ("not_found", None),
    ]
    assert output.note == "2 of 3 quotations are not among those that the answers found in the record"
    assert [label["label"] for label in value(output)["answers"]] == ["A1", "A2"]


async def test_a_synthesis_is_told_which_words_do_not_stand_in_the_record() -> None:
    book = says(reasons())
    answers = [judgement("violates", lost("never said"), model="secret")]
    await ask("verdict_synthesiser", book, {"answers": answers}, ONE)
    shown = book.scripted.requests[0].messages[-1].text
    assert '[not found: "never said"]' in shown
    assert "secret" not in shown
    assert RECORD.text not in shown


@pytest.mark.parametrize("agent", ["verdict_synthesiser", "owl"])
async def test_answers_on_several_criteria_are_not_mixed(agent: str) -> None:
    answers = [judgement(), judgement(criteria="two")]
    with pytest.raises(MissingInput, match=r"group_by: \[criteria\]"):
        await ask(agent, says(), {"answers": answers}, ONE)


async def test_a_scorer_gives_one_assessment_for_each_expected_reason() -> None:
    yes, no = {"assessment": "It is there.", "correct": True}, {"assessment": "It is not.", "correct": False}
    book = says({"assessments": [yes]}, {"assessments": [yes, no, no]}, {"assessments": [yes, no]})
    output = await ask("scorer", book, {"answer": judgement(), "expected": ["a", "b"]})
    assert [one["correct"] for one in value(output)["assessments"]] == [True, False]
    assert output.note == "1 of 2 expected reasons are in the answer"
    assert "there are 1 assessments, but 2 expected reasons" in (output.calls[0].error or "")
    assert (await ask("scorer", says({"assessments": [yes]}), {"answer": judgement(), "expected": "one text"})).value


@pytest.mark.parametrize("expected", [[], None, [""], ["x"] * 41])
async def test_a_scorer_needs_something_to_score_by(expected: Any) -> None:
    with pytest.raises(MissingInput, match="expected"):
        await ask("scorer", says(), {"answer": judgement(), "expected": expected})


async def test_a_concern_has_words_and_the_name_of_its_criterion() -> None:
    book = says({"raised": True, "concern": " "}, {"raised": True, "concern": "Look at the first word."})
    output = await ask("owl", book, {"answers": [judgement()]}, ONE)
    assert value(output) == {"raised": True, "concern": "Look at the first word.", "criteria": "one"}
    calm = await ask("owl", says({"raised": False, "concern": "nothing at all"}), {"answers": [judgement()]}, ONE)
    assert value(calm) == {"raised": False, "concern": "", "criteria": "one"}


async def test_a_describer_writes_one_text_a_picture() -> None:
    record = Record(record_id="p", images=(PIXEL, PIXEL))
    book = seeing({"alt_texts": ["a boat"]}, {"alt_texts": ["a boat", "a bird"]})
    output = await ask("describer", book, record=record)
    assert value(output) == {"alt_texts": ["a boat", "a bird"]}
    assert [part.kind for part in book.scripted.requests[0].messages[-1].parts] == [
        "text",
        "text",
        "image",
        "text",
        "image",
    ]
    with pytest.raises(MissingInput, match="does not see"):
        await ask("describer", says(), record=record)
    with pytest.raises(MissingInput, match=r"when: record\.images"):
        await ask("describer", seeing())


async def test_differences_compare_either_kind_of_answers_but_not_both() -> None:
    sides = [{"position": "p", "held_by": ["A1"]}, {"position": "q", "held_by": ["A2"]}]
    reply = {"conclusion": "They part.", "divergences": [{"topic": "t", "positions": sides}]}
    research = [{"question": "q", "model": "m", "repeat": number} for number in range(2)]
    output = await ask("differences", says(reply), {"answers": research, "question": "q"})
    assert [(label["label"], label["repeat"]) for label in value(output)["answers"]] == [("A1", 0), ("A2", 1)]
    output = await ask("differences", says(reply), {"answers": [judgement(), judgement("unclear")]})
    assert [label["criteria"] for label in value(output)["answers"]] == ["one", "one"]
    with pytest.raises(MissingInput):
        await ask("differences", says(reply), {"answers": [judgement(), research[0]]})


async def test_a_judge_that_never_gives_a_known_verdict_fails() -> None:
    with pytest.raises(OutputInvalid, match="must be one of"):
        await ask("judge", says(*[reasons("guilty")] * 3), {}, ONE, criteria="one")
