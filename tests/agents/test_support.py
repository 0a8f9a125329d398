"""Support: whether a sentence follows from its quotation is judged by a model, and what does not follow is shown so."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from agents.llms.scripted import scripted_reply
from contract.findings import Citation, CitedAnswer, Claim, Passage, ResearchAnswer
from flows.cli.console import show_answer
from flows.report.answer_markdown import answer_markdown
from tests.agents.agent_calls import ScriptedModels, ask_agent, plain_value, replying_with

TEXT = "The Board upheld the ban of 7 January, but an indefinite suspension was not a penalty that the rules knew."
PASSAGE = Passage(
    passage_id="a#text:0-110", record_id="a", title="A suspension", section="text", start=0, end=len(TEXT), text=TEXT,
    content_hash="x",
)  # fmt: skip
TRUE, TURNED = "The Board upheld the ban.", "The rules knew indefinite suspensions."


def claim(text: str, quote: str) -> Claim:
    citation = Citation(quote=quote, passage_id=PASSAGE.passage_id, record_id="a", title="A suspension", section="text")
    return Claim(text=text, citations=(citation,))


CLAIMS = (
    claim(TRUE, "The Board upheld the ban of 7 January"),
    claim(TURNED, "an indefinite suspension was not a penalty that the rules knew"),
    claim("Invented.", "words that stand nowhere in it"),
)


def inputs(*claims: Claim) -> dict[str, Any]:
    answer = ResearchAnswer(question="What?", claims=claims, model="one")
    return {"answers": [answer.model_dump(mode="json")], "passages": [PASSAGE.model_dump(mode="json")]}


def judged(label: str, verdict: str) -> dict[str, str]:
    return {"claim": label, "reason": f"the words of {label}", "verdict": verdict}


async def answer_with(report: Any) -> CitedAnswer:
    output = await ask_agent("answer", replying_with(), {"question": "What?", **inputs(*CLAIMS), "support": report})
    return CitedAnswer.model_validate(plain_value(output))


def printed(answer: CitedAnswer) -> str:
    console = Console(file=io.StringIO(), width=200)
    show_answer(console, answer)
    return console.file.getvalue()  # type: ignore[attr-defined]


async def test_what_the_quotation_does_not_support_is_shown_as_such() -> None:
    models = replying_with({"judgements": [judged("C2", "contradicts"), judged("C1", "supports")]})
    output = await ask_agent("support", models, inputs(*CLAIMS))
    assert output.note == "1 of 2 sentences do not follow from their quotations"
    answer = await answer_with(plain_value(output))
    assert [(one.text, one.support and one.support.verdict) for one in answer.claims] == [
        (TRUE, "supports"),
        (TURNED, "contradicts"),
    ]
    assert answer.summary == "2 sentences, 2 verified quotations, 1 document; 1 not supported by what is quoted."
    for shown in (printed(answer), answer_markdown(answer)):
        assert shown.count("Contradicted by what is quoted, judged by one: the words of this sentence") == 1
        assert "Each sentence was judged against its quotations by one." in shown
        assert shown.count("the words of") == 1


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("C2 says the opposite of claim C1.", f"This sentence says the opposite of “{TRUE}”."),
        ("Claim C02 goes beyond it.", "This sentence goes beyond it."),
        ("C1 " * 190 + "is it.", "C1 " * 190 + "is it."),
        ("It names C4 and vitamin C12.", "It names C4 and vitamin C12."),
        ("P99 says the opposite, and so does passage P4.", "The passage says the opposite, and so does the passage."),
        ("It says “as in P7” and cites P3.5.", "It says “as in P7” and cites P3.5."),
    ],
)
async def test_a_reason_names_no_label_that_its_reader_never_saw(reason: str, shown: str) -> None:
    judgements = [judged("C1", "supports"), {**judged("C2", "neither"), "reason": reason}]
    output = await ask_agent("support", replying_with({"judgements": judgements}), inputs(*CLAIMS))
    answer = await answer_with(plain_value(output))
    doubted = answer.claims[1].support
    assert doubted and doubted.reason == shown.strip()


async def test_the_model_reads_only_what_will_be_shown_and_its_quotations() -> None:
    models = replying_with({"judgements": [judged("C1", "supports"), judged("C2", "neither")]})
    await ask_agent("support", models, inputs(*CLAIMS))
    [request] = models.scripted.requests
    asked = " ".join(message.text for message in request.messages)
    assert "Invented." not in asked
    assert "upheld the ban of 7 January" in asked and TURNED in asked
    schema: Any = request.output_schema
    assert schema["$defs"]["SupportJudgement"]["properties"]["claim"]["enum"] == ("C1", "C2")


async def test_a_model_that_leaves_a_claim_out_is_asked_again() -> None:
    short = {"judgements": [judged("C1", "supports"), judged("C1", "supports")]}
    models = replying_with(short, {"judgements": [judged("C1", "supports"), judged("C2", "neither")]})
    output = await ask_agent("support", models, inputs(*CLAIMS))
    assert len(output.calls) == 2
    assert plain_value(output)["claims"][1]["support"]["verdict"] == "neither"


async def test_where_nobody_judged_the_reader_is_told_why() -> None:
    models = replying_with()
    output = await ask_agent("support", models, inputs(*CLAIMS), model=None)
    assert models.scripted.calls == 0
    refused = await ask_agent(
        "support",
        ScriptedModels(lambda asked: scripted_reply(asked, "No.").model_copy(update={"finish_reason": "refusal"})),
        inputs(*CLAIMS),
    )
    assert (refused.status, refused.value) == ("refused", None)
    for report, why in ((plain_value(output), "no model that can judge it was chosen"), (None, "gave no result")):
        answer = await answer_with(report)
        assert answer.support_not_judged and why in answer.support_not_judged
        assert all(one.support is None for one in answer.claims)
        for shown in (printed(answer), answer_markdown(answer)):
            assert "was not judged, because " in shown and why in shown
    without_step = await ask_agent("answer", replying_with(), {"question": "What?", **inputs(*CLAIMS)})
    assert plain_value(without_step)["support_not_judged"] is None


async def test_an_abstention_asks_no_model() -> None:
    models = replying_with()
    output = await ask_agent("support", models, inputs())
    assert (models.scripted.calls, plain_value(output)["claims"]) == (0, [])
    answer = await ask_agent(
        "answer", replying_with(), {"question": "What?", **inputs(), "support": plain_value(output)}
    )
    assert plain_value(answer)["support_not_judged"] is None
