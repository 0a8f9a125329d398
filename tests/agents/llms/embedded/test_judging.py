"""The embedded model's judgements by examples, and what it counts from them: quoted verbatim and in the right shape."""

from __future__ import annotations

from typing import Any

import pytest

from agents.base.verdicts import criterion_for_template
from agents.llms.embedded.judging import judges_alike
from agents.llms.embedded.model import Embedded
from agents.prompting.criteria import Criteria, Criterion, Example
from contract import models
from contract.comparisons import DifferencesDraft
from contract.errors import MissingInput
from contract.judgements import ConcernDraft, JudgeReasons, QualResults
from tests.agents.llms.embedded.requests import ask
from tests.support.shipped import CONF

WEATHER = Criterion(
    name="weather",
    title="Talk of the weather",
    text="A text violates this when it talks of the weather.",
    examples=(
        Example(text="It rained all night.", verdict="violates", reason="It talks of rain."),
        Example(text="The sun will shine tomorrow.", verdict="violates"),
        Example(text="My dog eats bread.", verdict="does_not_violate", reason="It talks of a dog."),
        Example(text="She reads novels in bed.", verdict="does_not_violate"),
    ),
)


async def judge(model: Embedded, text: str, criterion: Criterion = WEATHER, **record: Any) -> JudgeReasons:
    """The model's reply on a text."""
    material: dict[str, Any] = {
        "record": {"text": text, "sections": {}, **record},
        "criterion": criterion_for_template(criterion),
    }
    return JudgeReasons.model_validate_json((await ask(model, "JudgeReasons", material)).text)


@pytest.mark.parametrize("judges_by", ["nearest", "average"])
async def test_the_verdict_is_that_of_the_nearest_examples_with_words_of_the_record(judges_by: Any) -> None:
    model = Embedded("demo", models.EmbeddedModel(judges_by=judges_by))
    text = "We had lunch at noon. Then heavy rain fell on the hills. I read a book."
    reply = await judge(model, text)
    assert reply.verdict == "violates"
    assert reply.reasons[0].quotes == ("Then heavy rain fell on the hills.",)
    assert reply.reasons[0].applies == "yes"
    assert "It rained all night." in reply.reasons[0].reason
    assert "not understanding" in reply.conclusion
    assert (await judge(model, "The cat sleeps on her book.")).verdict == "does_not_violate"


async def test_both_ways_of_judging_are_one_while_the_nearest_examples_are_all_examples() -> None:
    models_of_both = [Embedded(name, models.EmbeddedModel(judges_by=name)) for name in ("nearest", "average")]
    texts = ("Then heavy rain fell on the hills.", "The cat sleeps on her book.", "Clouds came, and I read on.")
    more = (Example(text="Hail broke the windows.", verdict="violates"),)
    for added, alike in ((more, True), (more * 2, False)):
        examples = (*WEATHER.examples, *added)
        assert judges_alike(example.verdict for example in examples) == alike
        found = [
            [await judge(model, text, WEATHER.model_copy(update={"examples": examples})) for text in texts]
            for model in models_of_both
        ]
        assert (found[0] == found[1]) == alike


async def test_a_text_near_neither_side_is_unclear_if_the_criterion_has_that_verdict(model: Embedded) -> None:
    halves = (Example(text="One two.", verdict="violates"), Example(text="One two.", verdict="does_not_violate"))
    even = WEATHER.model_copy(update={"examples": halves})
    reply = await judge(model, "Something else.", even)
    assert (reply.verdict, reply.uncertainty) == ("unclear", "high")
    strict = even.model_copy(update={"verdicts": ("violates", "does_not_violate")})
    assert (await judge(model, "Something else.", strict)).uncertainty == "high"
    assert (await judge(model, "Something else.", strict)).verdict in strict.verdicts


async def test_titles_sections_and_words_for_pictures_are_judged_too(model: Embedded) -> None:
    assert (await judge(model, "", title="Rain tomorrow")).reasons[0].quotes == ("Rain tomorrow",)
    assert (await judge(model, "", sections={"a": "Rain tomorrow"})).verdict == "violates"
    material: dict[str, Any] = {
        "record": {"text": ""},
        "pictures": ["A rainy sky."],
        "criterion": criterion_for_template(WEATHER),
    }
    reply = JudgeReasons.model_validate_json((await ask(model, "JudgeReasons", material)).text)
    assert reply.reasons[0].quotes == ("A rainy sky.",)


async def test_without_examples_or_words_nothing_is_judged(model: Embedded) -> None:
    with pytest.raises(MissingInput, match="give it `examples:`"):
        await judge(model, "Rain.", WEATHER.model_copy(update={"examples": WEATHER.examples[:2]}))
    with pytest.raises(MissingInput, match="no words"):
        await judge(model, "")


@pytest.mark.parametrize("text", ["?", "x" * 3000, "Rain " * 2000, "雨が降る。", "<script>rain</script>\n\n\n'\"{}"])
async def test_odd_records_are_judged_in_shape_and_quoted_verbatim(model: Embedded, text: str) -> None:
    reply = await judge(model, text)
    assert all(quote in text for reason in reply.reasons for quote in reason.quotes)


@pytest.mark.parametrize("name", ["ordinary", "power", "hate_policy", "trans_reporting", "vaw_reporting"])
async def test_shipped_examples_are_judged_as_they_are_labelled(model: Embedded, name: str) -> None:
    criterion = Criteria([CONF]).get(name)
    right = [(await judge(model, example.text, criterion)).verdict == example.verdict for example in criterion.examples]
    assert sum(right) / len(right) >= 0.8


def answer(label: str, verdict: str, uncertainty: str = "low", **more: Any) -> dict[str, Any]:
    """A judgement as templates see it."""
    reason = {
        "rule": f"rule of {label}",
        "applies": "yes",
        "reason": "it talks of rain",
        "quotes": ["rain"],
        "not_found": [],
    }
    made = {"label": label, "verdict": verdict, "uncertainty": uncertainty, "conclusion": "It talks of rain."}
    return {**made, "reasons": [{**reason, **more}]}


async def synthesis(model: Embedded, *answers: dict[str, Any]) -> JudgeReasons:
    material = {"criterion": criterion_for_template(WEATHER), "answers": list(answers)}
    return JudgeReasons.model_validate_json((await ask(model, "JudgeReasons", material)).text)


async def test_votes_weigh_by_their_certainty_and_keep_the_reasons_of_the_side(model: Embedded) -> None:
    unsure = [answer(label, "does_not_violate", "high") for label in ("A1", "A2")]
    reply = await synthesis(model, *unsure, answer("A3", "violates"))
    assert reply.verdict == "violates"
    assert [reason.rule for reason in reply.reasons] == ["rule of A3"]
    tied = await synthesis(model, answer("A1", "violates"), answer("A2", "does_not_violate"))
    assert (tied.verdict, tied.uncertainty) == ("unclear", "high")
    assert len(tied.reasons) == 2


async def test_differences_of_judgements_are_by_verdict(model: Embedded) -> None:
    answers = [answer("A1", "violates"), answer("A2", "does_not_violate"), answer("A3", "violates")]
    reply = await ask(model, "DifferencesDraft", {"answers": answers})
    [matter] = DifferencesDraft.model_validate_json(reply.text).divergences
    assert [position.held_by for position in matter.positions] == [("A1", "A3"), ("A2",)]
    alike = await ask(model, "DifferencesDraft", {"answers": answers[::2]})
    assert not DifferencesDraft.model_validate_json(alike.text).divergences


async def test_an_expected_reason_is_found_if_the_answer_gives_it_in_like_words(model: Embedded) -> None:
    material = {
        "answer": answer("A1", "violates"),
        "expected": ["It speaks about rain.", "It praises a football club."],
    }
    scored = QualResults.model_validate_json((await ask(model, "QualResults", material)).text)
    assert [one.correct for one in scored.assessments] == [True, False]


async def test_an_expected_paragraph_is_found_if_the_answer_gives_one_of_its_sentences(model: Embedded) -> None:
    paragraph = (
        "The committee met in spring and looked at many letters before it came to a view. It speaks about rain. "
        "Other members would have preferred to wait for the report on the harbour, which came later that year."
    )
    material = {"answer": answer("A1", "violates"), "expected": [paragraph]}
    scored = QualResults.model_validate_json((await ask(model, "QualResults", material)).text)
    assert [one.correct for one in scored.assessments] == [True]
    assert "It speaks about rain." in scored.assessments[0].assessment


async def test_doubts_are_raised_about_invented_words_and_contradictions_only(model: Embedded) -> None:
    async def doubt(*answers: dict[str, Any]) -> ConcernDraft:
        material = {"criterion": criterion_for_template(WEATHER), "answers": list(answers)}
        return ConcernDraft.model_validate_json((await ask(model, "ConcernDraft", material)).text)

    assert not (await doubt(answer("A1", "violates"), answer("A2", "violates"))).raised
    assert "'snow'" in (await doubt(answer("A1", "violates", quotes=[], not_found=["snow"]))).concern
    assert "none of its reasons applies" in (await doubt(answer("A1", "violates", applies="no"))).concern
    assert "part" in (await doubt(answer("A1", "violates"), answer("A2", "unclear"))).concern
