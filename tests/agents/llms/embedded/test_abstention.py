"""The embedded researcher abstains whatever the length of documents, and however often it is asked to search again."""

from __future__ import annotations

import pytest

from agents.llms.embedded.model import Embedded
from contract.findings import Passage
from flows.corpus.index import CorpusIndex
from tests.agents.llms.embedded.requests import research


def passages(title: str, *texts: str) -> list[Passage]:
    """The passages of one document."""
    return [
        Passage(
            passage_id=f"{title}#text:{number}", record_id=title, title=title, section="text", text=text, start=number,
            end=number + len(text), content_hash="x",
        )
        for number, text in enumerate(texts)
    ]  # fmt: skip


def long(*sentences: str) -> list[str]:
    """Passages of more than a thousand characters, one about each sentence."""
    filling = "The members then read the reports of the staff and turned to the next point on the list of that day. "
    return [f"{sentence} {filling * 11}" for sentence in sentences]


async def test_a_name_found_elsewhere_by_a_second_search_answers_nothing(model: Embedded) -> None:
    question = "What did the committee decide about child safety in Roblox?"
    first = passages("Child safety", *long("The committee decided that child safety needs clear rules."))
    second = passages("Other letters", "A letter lists companies: Roblox, Steam and Discord.")
    assert (await research(model, question, first)).unanswered[0] == "Roblox"
    draft = await research(model, question, [*first, *second])
    assert (draft.answerable, draft.unanswered[:1]) == (False, ("Roblox",))


async def test_another_thing_upheld_does_not_hide_a_false_premise(model: Embedded) -> None:
    question = "Why did the Board uphold the removal of the police cartoon?"
    document = passages(
        "Police cartoon",
        *long("The Board overturned the removal of the police cartoon, and it was restored."),
        *long("In an earlier case, the Board upheld the suspension of an account for three months."),
        *long("Meta upheld its own first decision when the user appealed."),
    )
    draft = await research(model, question, document)
    assert not draft.answerable
    assert "overturned the removal" in draft.unanswered[0]
    assert (await research(model, question.replace("uphold", "overturn"), document)).answerable


@pytest.mark.parametrize(
    "question",
    ["When does the Board accept a slur?", "When does the Board accept slurs?"],
)
async def test_the_number_of_a_rare_noun_decides_nothing(
    osb_index: CorpusIndex, model: Embedded, question: str
) -> None:
    found = await osb_index.search([question], 12)
    draft = await research(model, question, found)
    cited = {found[int(quote.passage[1:]) - 1].record_id for claim in draft.claims for quote in claim.quotes}
    assert draft.answerable and cited & {"fb-tye2766g", "fb-e5m6qzga", "ig-2pj00l4t"}


@pytest.mark.parametrize(
    ("asked", "written", "answers"),
    [
        ("Ethiopian", "Ethiopia", True),
        ("Israel", "Israeli", True),
        ("Nigerian", "Nigeria", True),
        ("Niger", "Nigerian", False),
        ("Austria", "Australia", False),
        ("Iraq", "Iran", False),
    ],
)
async def test_a_country_is_known_by_its_people_and_by_no_other_country(
    model: Embedded, asked: str, written: str, answers: bool
) -> None:
    question = f"What did the committee decide about letters of {asked} farmers?"
    others = f"{written} farmers wrote letters. The farmers live in Nigeria." if asked == "Niger" else ""
    text = f"The committee decided to answer the letters of farmers from the {written} countryside. {others}"
    draft = await research(model, question, passages("Letters of farmers", text))
    assert draft.answerable is answers
    assert answers or draft.unanswered == (asked,)
