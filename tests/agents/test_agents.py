"""Agents, each alone: what they ask, what they make of replies, and what they never do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from agents.base.registry import installed_agents, load_agent
from agents.base.services import AgentServices
from agents.llms.scripted import ScriptLine, scripted_reply
from agents.prompting.templates import Prompts
from contract.base import Frozen, canonical_json, thawed
from contract.errors import MissingInput, OutputInvalid, RateLimited
from contract.findings import CitationReport, Passage, Source
from contract.messages import AgentInput, AgentOutput
from contract.record import Record
from tests.agents.agent_calls import ScriptedModels, plain_value, replying_with
from tests.support.shipped import CONF

QUOTE = "the newsworthiness allowance should have kept political protest speech up"
DRAFT = {"answerable": True, "claims": [{"text": "It can.", "quotes": [{"passage": "P1", "quote": QUOTE}]}]}
PASSAGE = Passage(
    passage_id="a#reasons:0-90", record_id="a", title="Colombia protests", section="reasons", start=0, end=90,
    text=f"The slur breached the rule, but {QUOTE}.", content_hash="x", date="2021-09-27",
)  # fmt: skip
RECORD = Record(record_id="q", text="When?", ground_truth={"answer": "planted truth"})


class Corpus:
    """Finds the same two passages for every query."""

    label = "Decisions"
    fingerprint = "f"

    async def search(self, queries: Sequence[str], limit: int, where: Mapping[str, Any] | None = None) -> list[Passage]:
        other = PASSAGE.model_copy(update={"passage_id": "b#facts:0-9", "record_id": "b", "content_hash": "y"})
        return [PASSAGE, other][:limit]

    async def sources(self) -> list[Source]:
        return []

    async def beginning(self, passage_id: str) -> Passage | None:
        return PASSAGE


async def process(agent: str, models: ScriptedModels, inputs: dict[str, Any], **parameters: Any) -> AgentOutput:
    services = AgentServices(models=models, prompts=Prompts([CONF]), index=Corpus())
    chosen = {"model": "one", **parameters} if "model" in load_agent(agent).Parameters.model_fields else parameters
    return await load_agent(agent)().process(AgentInput(record=RECORD, inputs=inputs, parameters=chosen), services)


def research(**more: Any) -> dict[str, Any]:
    return {"question": "When?", "passages": [PASSAGE.model_dump(mode="json")], **more}


def test_every_installed_agent_declares_its_inputs_parameters_and_output() -> None:
    assert len(installed_agents()) >= 9
    for name in installed_agents():
        agent = load_agent(name)
        for shape in (agent.Inputs, agent.Parameters, agent.Output):
            assert issubclass(shape, Frozen)
        assert agent.tool_definition("x", "y").input_schema["type"] == "object"


async def test_a_researcher_quotes_passages_and_never_sees_the_ground_truth() -> None:
    models = replying_with(DRAFT)
    output = await process("researcher", models, research())
    assert output.value is not None
    [claim] = json.loads(output.model_dump_json())["value"]["claims"]
    assert claim["citations"][0]["passage_id"] == PASSAGE.passage_id
    asked = models.scripted.requests[0].model_dump_json()
    assert "planted truth" not in asked
    assert QUOTE in asked


async def test_a_reply_that_does_not_fit_is_asked_again_with_what_is_wrong() -> None:
    models = replying_with("no JSON at all", {"answerable": "perhaps"}, DRAFT)
    output = await process("researcher", models, research())
    assert output.status == "completed"
    assert len(output.calls) == 3
    assert [bool(call.error) for call in output.calls] == [True, True, False]
    last = models.scripted.requests[-1].messages
    assert [message.role for message in last[-4:]] == ["assistant", "user", "assistant", "user"]
    assert "answerable" in last[-1].text


async def test_after_three_unfit_replies_it_gives_up_and_keeps_all_three() -> None:
    models = replying_with("1", "2", "3", DRAFT)
    with pytest.raises(OutputInvalid) as caught:
        await process("researcher", models, research())
    assert [call.reply.text for call in caught.value.calls if call.reply] == ["1", "2", "3"]
    assert models.scripted.calls == 3


@pytest.mark.parametrize(("reason", "status"), [("refusal", "refused"), ("length", "truncated")])
async def test_refusal_and_cut_are_outcomes_and_are_not_asked_again(reason: Any, status: str) -> None:
    models = ScriptedModels(lambda asked: scripted_reply(asked, "I can").model_copy(update={"finish_reason": reason}))
    output = await process("researcher", models, research())
    assert (output.status, output.value, len(output.calls)) == (status, None, 1)
    assert output.note


async def test_an_error_on_the_second_call_keeps_the_first() -> None:
    models = ScriptedModels([ScriptLine(reply="unfit", times=1), ScriptLine(error="RateLimited")])
    with pytest.raises(RateLimited) as caught:
        await process("researcher", models, research())
    assert len(caught.value.calls) == 2
    assert caught.value.calls[0].reply is not None


SURROUNDED = {
    "a fence": "```json\n{}\n```",
    "prose and a fence": "Here is {my} judgement:\n\n```json\n{}\n```\n\nLet me know if you need {more}.",
    "prose": "I read the passages. {} I hope this helps.",
    "thoughts": '<think>\nMaybe {"answerable": false, "claims": [], "unanswered": []}?\n</think>\n\n{}',
    "said twice": "{}\nThat is: {}",
}


@pytest.mark.parametrize("around", SURROUNDED.values(), ids=SURROUNDED.keys())
async def test_json_is_read_from_what_stands_around_it_and_not_asked_again(around: str) -> None:
    output = await process("researcher", replying_with(around.replace("{}", json.dumps(DRAFT))), research())
    assert (output.status, len(output.calls)) == ("completed", 1)


@pytest.mark.parametrize("end", ["\\ud83d", "\\udc00\\ud83d"])
async def test_half_a_character_costs_no_second_call(end: str) -> None:
    draft = json.dumps({**DRAFT, "unanswered": ["When? END"]}).replace("END", end)
    output = await process("researcher", replying_with(draft), research())
    assert (output.status, len(output.calls)) == ("completed", 1)
    canonical_json(plain_value(output)).encode()


async def test_json_that_was_written_as_a_text_of_json_is_read() -> None:
    output = await process("researcher", replying_with(json.dumps(json.dumps(DRAFT))), research())
    assert (output.status, len(output.calls)) == ("completed", 1)


@pytest.mark.parametrize("text", ["{} or {other}", "{broken", "1", ""])
async def test_a_reply_that_could_mean_two_things_is_asked_again(text: str) -> None:
    other = json.dumps({**DRAFT, "unanswered": ["who?"]})
    unclear = text.replace("{other}", other).replace("{broken", json.dumps({"n": DRAFT})[:-1]).replace(
        "{}", json.dumps(DRAFT)
    )  # fmt: skip
    output = await process("researcher", replying_with(unclear, DRAFT), research())
    assert [bool(call.error) for call in output.calls] == [True, False]


async def test_a_model_that_only_thought_is_asked_once_and_told_so() -> None:
    models = ScriptedModels(
        lambda asked: scripted_reply(asked, "<think>hm").model_copy(update={"finish_reason": "length"})
    )
    output = await process("researcher", models, research())
    assert (output.status, len(output.calls)) == ("truncated", 1)
    assert output.note == "the model thought and did not answer; raise max_tokens or turn thinking down"


async def test_without_passages_no_model_is_asked() -> None:
    models = replying_with()
    output = await process("researcher", models, {"question": "When?"})
    assert models.scripted.calls == 0
    assert output.value is not None
    assert output.value["unanswered"] == ("When?",)


async def test_a_missing_question_is_named() -> None:
    with pytest.raises(MissingInput, match="question"):
        await process("researcher", replying_with(), {"question": None})


async def test_a_draft_that_cannot_answer_makes_no_claims() -> None:
    output = await process("researcher", replying_with({**DRAFT, "answerable": False}), research())
    assert output.value is not None
    assert (output.value["claims"], output.value["unanswered"]) == ((), ("When?",))


async def checked(question: str = "When?", *quotes: tuple[str, str]) -> AgentOutput:
    draft = {"answerable": True, "claims": [{"text": q, "quotes": [{"passage": p, "quote": q}]} for p, q in quotes]}
    answer = await process("researcher", replying_with(draft), research(question=question))
    inputs = {"answers": [answer.value], "passages": [PASSAGE.model_dump(mode="json")]}
    return await process("citation_checker", replying_with(), inputs)


async def test_the_checker_reports_what_is_missing() -> None:
    report = (await checked("When?", ("P1", QUOTE), ("P7", "words that stand nowhere"))).value
    assert report is not None
    assert (report["checked"], report["found"], report["sufficient"]) == (2, 1, False)
    assert report["missing"] == ("words that stand nowhere",)


async def test_a_quotation_with_an_omission_is_counted_once_though_it_is_shown_as_two() -> None:
    text = "The Board upheld the removal. The post was long. It found the rule unclear."
    passage = PASSAGE.model_copy(update={"text": text})
    quotes = ["The Board upheld the removal […] It found the rule unclear", "words that stand nowhere"]
    draft = {"answerable": True, "claims": [{"text": "So.", "quotes": [{"passage": "P1", "quote": q} for q in quotes]}]}
    found = await process("researcher", replying_with(draft), research())
    inputs = {"answers": [found.value], "passages": [passage.model_dump(mode="json")]}
    output = await process("citation_checker", replying_with(), inputs)
    report = CitationReport.model_validate(thawed(output.value))
    assert len(report.answers[0].claims[0].citations) == 2
    assert (report.checked, report.found, output.note) == (2, 1, "1 of 2 quotations verified")
    # What is checked already and comes again is not taken off a second time.
    again = await process("citation_checker", replying_with(), {**inputs, "answers": report.model_dump()["answers"]})
    assert again.note == "2 of 2 quotations verified"


async def test_the_answer_shows_only_what_is_verified_and_abstains_otherwise() -> None:
    passages = [PASSAGE.model_dump(mode="json")]
    bad = await process("researcher", replying_with({**DRAFT, "claims": [_claim("invented from nothing")]}), research())
    output = await process("answer", replying_with(), {"question": "?", "answers": [bad.value], "passages": passages})
    assert output.value is not None
    assert output.value["abstained"] is True
    assert output.value["summary"] == "No quotation could be verified, so nothing is shown as an answer."
    assert len(output.value["dropped"]) == 1  # type: ignore[arg-type]
    assert [source["title"] for source in output.value["not_used"]] == ["Colombia protests"]  # type: ignore[index,union-attr,call-overload]


async def test_without_any_answer_nothing_is_concluded_about_the_corpus() -> None:
    with pytest.raises(MissingInput, match="no model gave an answer"):
        await process("answer", replying_with(), {"question": "?", "answers": [], "passages": []})


def _claim(quote: str) -> dict[str, Any]:
    return {"text": quote, "quotes": [{"passage": "P1", "quote": quote}]}


async def test_a_synthesiser_reads_only_what_the_answers_quote() -> None:
    answer = await process("researcher", replying_with(DRAFT), research())
    other = PASSAGE.model_copy(update={"passage_id": "b#facts:0-9", "text": "Never quoted by anybody."})
    models = replying_with(DRAFT)
    passages = [other.model_dump(mode="json"), PASSAGE.model_dump(mode="json")]
    inputs = {"question": "When?", "answers": [answer.value, answer.value], "passages": passages}
    output = await process("synthesiser", models, inputs)
    assert "Never quoted" not in models.scripted.requests[0].model_dump_json()
    assert output.value is not None
    assert output.value["claims"][0]["citations"][0]["passage_id"] == PASSAGE.passage_id  # type: ignore[index,call-overload]


def _saying(text: str, *unanswered: str) -> dict[str, Any]:
    claim = {"text": text, "quotes": [{"passage": "P1", "quote": QUOTE}]}
    return {"answerable": True, "claims": [claim], "unanswered": unanswered}


async def test_no_label_of_a_request_reaches_the_reader() -> None:
    said = _saying("The decision in P1 allows it.", "P1 leaves the date open")
    answer = plain_value(await process("researcher", replying_with(said), research()))
    assert answer["claims"][0]["text"] == "The decision in “Colombia protests” allows it."
    assert answer["unanswered"] == ["“Colombia protests” leaves the date open"]
    inputs = research(answers=[answer, {**answer, "model": "two"}])
    merged = await process("synthesiser", replying_with(_saying("A1 and A2 agree on P1.")), inputs)
    assert plain_value(merged)["claims"][0]["text"] == "one and two agree on “Colombia protests”."


async def test_differences_name_only_existing_answers() -> None:
    answer = await process("researcher", replying_with(DRAFT), research())
    wrong = {"conclusion": "c", "divergences": [{"topic": "t", "positions": [_position("A1"), _position("A9")]}]}
    right = {"conclusion": "c", "divergences": [{"topic": "t", "positions": [_position("A1"), _position("A2")]}]}
    inputs = {"question": "When?", "answers": [answer.value, answer.value]}
    output = await process("differences", replying_with(wrong, right), inputs)
    assert len(output.calls) == 2
    assert "A9" in (output.calls[0].error or "")


def _position(label: str) -> dict[str, Any]:
    return {"position": "p", "held_by": [label]}


TOOL = (
    load_agent("search").tool_definition("search", "Finds passages.", frozenset({"previous"})).model_dump(mode="json")
)


async def test_a_host_chooses_only_existing_steps_with_arguments_that_fit() -> None:
    models = replying_with(
        {"target": "delete_everything", "inputs": {}, "reason": ""},
        {"target": "search", "inputs": {"queries": "not a list"}, "reason": ""},
        {"target": "search", "inputs": {"queries": ["slurs"]}, "reason": "to begin"},
    )
    output = await process("llm_host", models, {"question": "When?", "tools": [TOOL], "round": 1})
    assert output.value is not None
    assert output.value["inputs"] == {"queries": ("slurs",)}
    assert "delete_everything" in (output.calls[0].error or "")
    assert "array" in (output.calls[1].error or "")
    schema = models.scripted.requests[0].model_dump(mode="json")["output_schema"]
    assert schema["properties"]["target"]["enum"] == ["search", "stop"]


MISFITS: list[tuple[Any, str]] = [
    ({"inputs": {}, "reason": ""}, "`target` is missing"),
    (
        {"target": None, "inputs": [], "reason": 1},
        "`target` should be text; `inputs` should be an object with names; `re",
    ),
    ([1], "it should be an object with names"),
    ("I would search.", "it is no JSON, but words or a part of it"),
    (" ", "it is empty"),
    ({"target": "erase", "inputs": {}, "reason": ""}, "it chose 'erase', and there are search, stop"),
    ({"target": "search", "inputs": {}, "reason": ""}, "what it gave 'search' does not fit: `queries` is missing"),
    (
        {"target": "search", "inputs": {"queries": "x"}},
        "what it gave 'search' does not fit: `queries` should be a list",
    ),
    ({"target": "search", "inputs": {"queries": []}}, "what it gave 'search' does not fit: `queries` has fewer than 1"),
    ({"target": "stop", "why": "done"}, "`why` is none of the names that were asked for"),
]


@pytest.mark.parametrize(("reply", "told"), MISFITS)
async def test_a_host_whose_replies_never_fit_fails_in_plain_words(reply: Any, told: str) -> None:
    models = replying_with(reply, reply, reply)
    with pytest.raises(OutputInvalid) as caught:
        await process("llm_host", models, {"question": "When?", "tools": [TOOL], "round": 1})
    beginning = f"none of 3 replies had the form that was asked for; the last: {told}"
    assert str(caught.value).startswith(beginning), str(caught.value)


def test_a_host_is_not_offered_what_the_flow_binds() -> None:
    assert set(TOOL["input_schema"]["properties"]) == {"queries"}


@pytest.mark.parametrize(("number", "step"), [(1, "search"), (2, "research"), (3, "stop"), (9, "stop")])
async def test_a_sequence_host_follows_its_sequence(number: int, step: str) -> None:
    inputs = {"round": number, "arguments": {"a": 1}}
    output = await process("host", replying_with(), inputs, sequence=["search", "research"])
    assert output.value is not None
    assert output.value["target"] == step


async def test_search_keeps_what_was_found_and_adds_what_is_new() -> None:
    inputs = {"queries": ["slur"], "previous": [PASSAGE.model_dump(mode="json")]}
    output = await process("search", replying_with(), inputs, limit=5)
    assert output.value is not None
    assert [one["record_id"] for one in output.value["passages"]] == ["a", "b"]  # type: ignore[index,union-attr,call-overload]


async def test_search_without_a_corpus_is_refused() -> None:
    services = AgentServices(models=replying_with(), prompts=Prompts([CONF]), index=None)
    with pytest.raises(MissingInput, match="corpus"):
        await load_agent("search")().process(AgentInput(record=RECORD, inputs={"queries": ["x"]}), services)


async def test_a_plain_llm_agent_needs_only_a_template() -> None:
    models = replying_with({"text": "A poem."})
    template = "system:\nBe brief.\nuser:\n{{ record.text | fence('record') }} {{ instructions }}"
    output = await process("llm", models, {}, template=template, instructions="Summarise.")
    assert output.value == {"text": "A poem."}
    assert "Summarise." in models.scripted.requests[0].messages[1].text


def _key(inputs: dict[str, Any], **changes: Any) -> Any:
    services = AgentServices(models=replying_with(), prompts=Prompts([CONF]), index=None)
    fields: dict[str, Any] = {"record": RECORD, "inputs": inputs, "parameters": {"model": "one"}, **changes}
    return load_agent("researcher")().cache_key_parts(AgentInput(**fields), services)


def test_the_key_holds_all_that_the_output_depends_on_and_no_ground_truth() -> None:
    plain = _key(research())
    assert plain == _key(research())
    changed_truth = RECORD.model_copy(update={"ground_truth": None})
    assert plain == _key(research(), record=changed_truth)
    others = [
        _key(research(question="Why?")),
        _key(research(), repeat=1),
        _key(research(), parameters={"model": "one", "temperature": 1}),
        _key(research(), parameters={"model": "one", "template": "user:\n{{ question }}"}),
        _key(research(), record=Record(record_id="q", text="Other")),
    ]
    assert all(plain != other for other in others)


def test_an_unknown_agent_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        load_agent("nobody")
