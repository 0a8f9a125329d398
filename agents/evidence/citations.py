"""Checks the quotations of answers against the passages that they cite.

A quotation counts when it stands in a passage as whole words (`quotable_text` has the rules). What is shown is always
the source's own form. One that does not count is kept, marked, with the words of the passages that come nearest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from agents.evidence.locators import locator_of
from agents.evidence.nearest_words import nearest_words
from agents.evidence.quotable_text import QuotableText, proves_nothing
from contract.findings import Citation, Claim, Passage, ResearchAnswer

_MOST_BLANKS = 4
"""Between two passages of which one follows the other."""


class QuotablePassages:
    """The passages of one question; each is made comparable once for all quotations."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._texts = {passage.passage_id: (passage, QuotableText(passage.text)) for passage in passages}

    def check_citation(self, citation: Citation) -> tuple[Citation, ...]:
        """Returns the citation as checked; as several, if its quotation leaves something out.

        A quotation that stands in another passage of the document that it names is attributed there; so is one that
        names no passage at all, if it stands in one document only. One that goes on into the next passage of its
        document belongs to the passage in which it begins.
        """
        if proves_nothing(citation.quote):
            return (self._not_found(citation),)
        named = self._texts.get(citation.passage_id)
        if named and (found := _found_in(*named, citation)):
            return found
        holders = [passage for passage, text in self._texts.values() if text.find_parts(citation.quote)]
        same_document = [passage for passage in holders if named and passage.record_id == named[0].record_id]
        documents = {passage.record_id for passage in holders}
        if same_document or (named is None and len(documents) == 1):
            passage = (same_document or holders)[0]
            return _found_in(passage, self._texts[passage.passage_id][1], citation)
        if named and (across := self._found_across(named[0], citation)):
            return across
        if holders:
            return (citation.model_copy(update={"status": "misattributed", "found_in": holders[0].passage_id}),)
        headless = self._without_heading(citation)
        checked = self.check_citation(headless) if headless else ()
        return checked if checked and checked[0].status != "not_found" else (self._not_found(citation),)

    def _without_heading(self, citation: Citation) -> Citation | None:
        """The citation without the heading under which its passage is shown; None where it begins with none.

        Small models copy the heading with the words. With its title, it names the passage more surely than the label.
        """
        named = [key for key in self._headings if key == citation.passage_id]
        for key in (*named, *self._headings):
            if heading := self._headings[key].match(citation.quote):
                passage_id = key if heading["title"] else citation.passage_id
                return citation.model_copy(update={"quote": citation.quote[heading.end() :], "passage_id": passage_id})
        return None

    @cached_property
    def _headings(self) -> dict[str, re.Pattern[str]]:
        return {key: _heading(passage) for key, (passage, _) in self._texts.items()}

    def _found_across(self, named: Passage, citation: Citation) -> tuple[Citation, ...]:
        """The citation, if its quotation goes on from one passage of that document into the next; else nothing."""
        document = [passage for passage, _ in self._texts.values() if passage.record_id == named.record_id]
        joined = (_joined(one, other) for one in document for other in document)
        found = (_found_in(both, QuotableText(both.text), citation) for both in joined if both)
        return next(filter(None, found), ())

    def _not_found(self, citation: Citation) -> Citation:
        candidates = [passage for passage, _ in self._texts.values()]
        nearest = nearest_words(citation.quote, candidates, preferred=citation.passage_id)
        return citation.model_copy(update={"status": "not_found", "found_in": None, "nearest": nearest})


def _heading(passage: Passage) -> re.Pattern[str]:
    """`Nazi quote (2021-01-28), reasons: `, as templates write it before a passage; also its last part alone."""
    words = r"\s+".join(map(re.escape, passage.title.split()))
    return re.compile(rf"\s*(?P<title>{words}\s*(?:\([^()]*\))?,\s*)?{re.escape(passage.section)}:\s+")


def _joined(one: Passage, other: Passage) -> Passage | None:
    """The first passage with the second, if that begins within it or directly after it; else None."""
    if one.section != other.section or not one.start < other.start <= one.end + _MOST_BLANKS or other.end <= one.end:
        return None
    # Passages are cut at white space, which belongs to neither.
    text = one.text + "\n" * (other.start - one.end) + other.text[max(0, one.end - other.start) :]
    shifted = (at.model_copy(update={"start": at.start + other.start - one.start}) for at in other.locators)
    locators = (*one.locators, *(at for at in shifted if at.start >= len(one.text)))
    return one.model_copy(update={"text": text, "end": other.end, "locators": locators})


def _found_in(passage: Passage, text: QuotableText, citation: Citation) -> tuple[Citation, ...]:
    source = {
        "passage_id": passage.passage_id,
        "record_id": passage.record_id,
        "title": passage.title,
        "section": passage.section,
        "date": passage.date,
        "uri": passage.uri,
        "also_in": passage.also_in,
        "status": "found",
        "found_in": None,
        "nearest": None,
    }
    spans = text.find_parts(citation.quote)
    return tuple(
        citation.model_copy(
            update={**source, "quote": passage.text[start:end], "locator": locator_of(passage.locators, start, end)}
        )
        for start, end in spans
    )


def check_answer(answer: ResearchAnswer, passages: Sequence[Passage]) -> ResearchAnswer:
    """Returns the answer with only the claims that a verified quotation supports; the others are in `dropped`.

    What a claim quotes beside its verified quotations is in its `unverified`.
    """
    quotable = QuotablePassages(passages)
    kept, dropped = list[Claim](), list(answer.dropped)
    for claim in answer.claims:
        citations = tuple(_checked(claim.citations, quotable))
        found = tuple(citation for citation in citations if citation.status == "found")
        if found:
            others = tuple(citation for citation in citations if citation.status != "found")
            kept.append(claim.model_copy(update={"citations": found, "unverified": (*claim.unverified, *others)}))
        else:
            dropped.append(claim.model_copy(update={"citations": citations}))
    return answer.model_copy(update={"claims": tuple(kept), "dropped": tuple(dropped)})


def _checked(citations: Sequence[Citation], quotable: QuotablePassages) -> Iterator[Citation]:
    for citation in citations:
        yield from quotable.check_citation(citation)
