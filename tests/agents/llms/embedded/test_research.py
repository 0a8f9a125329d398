"""What the embedded model writes: quoted verbatim, in shape, and nothing where the passages hold no answer."""

from __future__ import annotations

import pytest

from agents.llms.embedded.model import Embedded
from contract import models
from contract.comparisons import DifferencesDraft
from contract.errors import ModelRejected
from contract.findings import Passage, ResearchDraft
from flows.corpus.index import CorpusIndex
from tests.agents.llms.embedded.requests import ask, research


async def test_quotations_are_verbatim_and_claims_read_well(osb_index: CorpusIndex, model: Embedded) -> None:
    question = "Why was the Colombian police cartoon restored?"
    passages = await osb_index.search([question], 12)
    draft = await research(model, question, passages)
    assert draft.answerable
    for claim in draft.claims:
        for quote in claim.quotes:
            assert quote.quote in passages[int(quote.passage[1:]) - 1].text
            assert quote.quote in claim.text
    assert any(
        claim.text.startswith("In 'Colombian police cartoon' (2022-09-15), under 'reasons': ") for claim in draft.claims
    )


async def test_a_sentence_that_shares_only_the_commonest_word_does_not_come_first(
    osb_index: CorpusIndex, model: Embedded
) -> None:
    question = "When does the Board accept a slur?"
    draft = await research(model, question, await osb_index.search([question], 12))
    assert "The worst slur in that country had no exception" in draft.claims[0].text


async def test_an_abstention_names_what_is_missing(osb_index: CorpusIndex, model: Embedded) -> None:
    question = "What did the Board decide about hate speech on Roblox?"
    draft = await research(model, question, await osb_index.search([question], 12))
    assert not draft.answerable
    assert not draft.claims
    assert draft.unanswered == ("Roblox",)


@pytest.mark.parametrize(
    ("question", "missing"),
    [
        ("Why was the Colombian police cartoon restored in the {} case?", ("2022", "2019")),
        ("In which way did the Board justify its {} decision on Trump's suspension?", ("2021", "2018")),
        ("Why did the {} overturn the removal of the Russian poem?", ("Board", "Supreme Court")),
    ],
)
async def test_a_year_or_a_body_that_is_not_the_documents_is_named(
    osb_index: CorpusIndex, model: Embedded, question: str, missing: tuple[str, str]
) -> None:
    true, false = (question.format(word) for word in missing)
    assert (await research(model, true, await osb_index.search([true], 12))).answerable
    draft = await research(model, false, await osb_index.search([false], 12))
    assert (draft.answerable, draft.unanswered) == (False, (missing[1],))


async def test_a_year_is_missing_only_where_documents_have_dates(osb_index: CorpusIndex, model: Embedded) -> None:
    question = "Why was the Colombian police cartoon restored in the 2019 case?"
    passages = [one.model_copy(update={"date": None}) for one in await osb_index.search([question], 12)]
    assert (await research(model, question, passages)).answerable
    for asked in (question.replace("in the 2019 case", word) for word in ("after 2019", "since 2019", "by 2019")):
        assert (await research(model, asked, await osb_index.search([asked], 12))).answerable, asked


async def test_a_first_question_that_points_back_says_that_nothing_was_asked(
    osb_index: CorpusIndex, model: Embedded
) -> None:
    question = "And what did it recommend there?"
    draft = await research(model, question, await osb_index.search([question], 12))
    assert not draft.answerable
    assert draft.unanswered == ("what “it” refers to: nothing was asked before",)


@pytest.mark.parametrize("question", ["3", "1. 2.", "?!", "的"])
async def test_a_question_without_words_is_not_answered(osb_index: CorpusIndex, model: Embedded, question: str) -> None:
    draft = await research(model, question, await osb_index.search([question], 12))
    assert not draft.answerable and not draft.claims


async def test_a_false_premise_is_contradicted_with_the_sentence(osb_index: CorpusIndex, model: Embedded) -> None:
    question = "Why did the Board uphold the removal of the Colombian police cartoon?"
    draft = await research(model, question, await osb_index.search([question], 12))
    assert not draft.answerable
    assert "overturned Meta's decision" in draft.unanswered[0]
    right = "Why did the Board overturn the removal of the Colombian police cartoon?"
    assert (await research(model, right, await osb_index.search([right], 12))).answerable


async def test_a_follow_up_with_a_false_premise_is_contradicted_too(osb_index: CorpusIndex, model: Embedded) -> None:
    question = 'In "Colombian police cartoon": And why did the Board uphold the removal?'
    draft = await research(model, question, await osb_index.search([question], 12))
    assert not draft.answerable and "overturned Meta's decision" in draft.unanswered[0]


async def test_a_reason_that_was_asked_for_comes_first(osb_index: CorpusIndex, model: Embedded) -> None:
    question = 'In "Nazi quote": Why did the Board overturn it?'
    draft = await research(model, question, await osb_index.search([question], 12))
    assert draft.claims[0].quotes[0].quote.startswith("The quote did not support Nazism") and not draft.unanswered


async def test_a_question_for_a_reason_that_no_sentence_gives_is_named_unanswered(
    osb_index: CorpusIndex, model: Embedded
) -> None:
    question = "Why did the Board overturn the removal of the Nazi quote?"
    found = await osb_index.search([question], 12)
    passages = [passage for passage in found if passage.section != "reasons"]
    draft = await research(model, question, passages)
    assert draft.claims and draft.unanswered == (question,)
    end = "to remove the content"
    because = [
        passage.model_copy(update={"text": passage.text.replace(end, f"{end} because it condemned Nazism")})
        for passage in passages
    ]
    assert not (await research(model, question, because)).unanswered
    what = "What did the Board decide on the Nazi quote?"
    assert not (await research(model, what, passages)).unanswered


@pytest.mark.parametrize("question", ["", "???", "the of and", "x" * 5000, "WHAT DID THE BOARD DECIDE ABOUT BREAD?"])
async def test_odd_questions_are_declined(osb_index: CorpusIndex, model: Embedded, question: str) -> None:
    passages = await osb_index.search(["slur"], 5)
    assert not (await research(model, question, passages)).answerable
    assert not (await research(model, question, [])).answerable


async def test_long_sentences_are_cut_at_a_word(osb_index: CorpusIndex, model: Embedded) -> None:
    (passage,) = await osb_index.search(["wampum belt"], 1)
    long = passage.model_copy(update={"text": "The wampum belt " + "shows many beads and " * 100 + "end."})
    draft = await research(model, "What does the wampum belt show?", [long])
    assert draft.claims[0].quotes[0].quote in long.text
    assert len(draft.claims[0].quotes[0].quote) <= 450


async def test_reply_is_labelled_and_free(model: Embedded) -> None:
    reply = await ask(model, "ResearchDraft", {"question": "q", "passages": [], "missing": []})
    assert reply.quality == "demonstration"
    assert reply.cost_usd == 0
    assert reply.usage.input_tokens == 0
    assert reply.parsed == {"answerable": False, "claims": [], "unanswered": ["q"]}
    assert model.reads_material
    assert model.fingerprint != Embedded("demo", models.EmbeddedModel(version="2")).fingerprint


async def test_what_it_cannot_write_is_refused_in_plain_words(model: Embedded) -> None:
    with pytest.raises(ModelRejected, match="cannot write Poem; it can write ResearchDraft"):
        await ask(model, "Poem", {})
    with pytest.raises(ModelRejected, match="free text"):
        await ask(model, None, {})
    with pytest.raises(ModelRejected, match="not given 'question'"):
        await ask(model, "HostChoice", {"tools": [_SEARCH]})


_SEARCH = {
    "name": "search",
    "description": "Finds passages.",
    "input_schema": {"type": "object", "properties": {"queries": {"type": "array", "items": {"type": "string"}}}},
}
_OTHER = {
    "name": "fetch",
    "description": "",
    "input_schema": {"type": "object", "properties": {"url": {"type": "string"}}},
}


async def test_the_host_searches_the_question_then_the_missing_words_then_stops(model: Embedded) -> None:
    question = "When does the Board accept a slur?"
    first = {"question": question, "tools": [_OTHER, _SEARCH], "missing": [], "round": 1, "previous_queries": []}
    reply = (await ask(model, "HostChoice", first)).parsed
    assert isinstance(reply, dict)
    assert (reply["target"], reply["inputs"]) == ("search", {"queries": [question]})

    second = {**first, "round": 2, "missing": ["political speech"], "previous_queries": [question]}
    reply = (await ask(model, "HostChoice", second)).parsed
    assert isinstance(reply, dict)
    assert reply["inputs"] == {"queries": ["Board accept slur", "political speech"]}

    for last in ({**second, "round": 3}, {**first, "tools": [_OTHER]}):
        reply = (await ask(model, "HostChoice", last)).parsed
        assert isinstance(reply, dict)
        assert (reply["target"], reply["inputs"]) == ("stop", {})


def _answer(label: str, *quotes: str) -> dict[str, object]:
    return {
        "label": label,
        "claims": [{"text": f"Says {q}", "quotes": [{"passage": "P1", "quote": q}]} for q in quotes],
    }


async def test_synthesis_drops_repeated_claims(model: Embedded) -> None:
    answers = [_answer("A1", "one.", "two"), _answer("A2", "three", "One")]
    material = {"question": "q", "passages": [], "answers": answers}
    draft = ResearchDraft.model_validate_json((await ask(model, "ResearchDraft", material)).text)
    assert [claim.text for claim in draft.claims] == ["Says one.", "Says two", "Says three"]
    nothing = {**material, "answers": [_answer("A1"), _answer("A2")]}
    assert not ResearchDraft.model_validate_json((await ask(model, "ResearchDraft", nothing)).text).answerable


async def test_differences_name_their_holders(model: Embedded) -> None:
    answers = [_answer("A1", "one", "two"), _answer("A2", "two", "one"), _answer("A3", "one", "three"), _answer("A4")]
    found = DifferencesDraft.model_validate_json(
        (await ask(model, "DifferencesDraft", {"question": "q", "answers": answers})).text
    )
    (divergence,) = found.divergences
    assert [position.held_by for position in divergence.positions] == [("A1", "A2"), ("A3",), ("A4",)]
    alike = {"question": "q", "answers": answers[:2]}
    found = DifferencesDraft.model_validate_json((await ask(model, "DifferencesDraft", alike)).text)
    assert not found.divergences
    assert "do not part" in found.conclusion


def _passage(text: str) -> Passage:
    return Passage(
        passage_id="a#text:0-1", record_id="a", title="Ferries", section="text", text=text, start=0, end=1,
        content_hash="",
    )  # fmt: skip


@pytest.mark.parametrize(
    "heading",
    ["Why did the council close the ferry", "## The closing of the ferry by the council", "3.2 Closing of the ferry"],
)
async def test_a_sentence_is_quoted_and_not_the_heading_above_it(model: Embedded, heading: str) -> None:
    sentence = "In the spring of 1931 the council ended the ferry because it had lost money."
    draft = await research(model, "Why did the council close the ferry?", [_passage(f"{heading}\n\n{sentence}")])
    assert [quote.quote for claim in draft.claims for quote in claim.quotes] == [sentence]


async def test_words_that_line_ends_divide_count_as_written_whole(model: Embedded) -> None:
    text = "The committee re-\njected the pro-\nposal of the har-\nbour master, as the minutes were lost."
    draft = await research(model, "Who rejected the proposal of the harbour master?", [_passage(text)])
    assert [quote.quote for claim in draft.claims for quote in claim.quotes] == [text]


async def test_a_line_without_an_end_is_quoted_where_there_is_nothing_else(model: Embedded) -> None:
    line = "The council closed the ferry because it lost money"
    draft = await research(model, "Why did the council close the ferry?", [_passage(f"{line}\n\nNo more boats")])
    assert draft.claims[0].quotes[0].quote == line
