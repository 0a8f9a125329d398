"""Checks the quotations of answers against the passages that they cite.

A quotation counts when it stands in a passage as whole words (`quotable_text` has the rules). What is shown is always
the source's own form. One that does not count is kept, marked, with the words of the passages that come nearest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from agents.evidence.locators import locator_of
from agents.evidence.nearest_words import nearest_words
from agents.evidence.quotable_text import QuotableText, proves_nothing
from contract.findings import Citation, Claim, Passage, ResearchAnswer


class QuotablePassages:
    """The passages of one question; each is made comparable once for all quotations."""

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._texts = {passage.passage_id: (passage, QuotableText(passage.text)) for passage in passages}

    def check_citation(self, citation: Citation) -> tuple[Citation, ...]:
        """Returns the citation as checked; as several, if its quotation leaves something out.

        A quotation that stands in another passage of the document that it names is attributed there; so is one that
        names no passage at all, if it stands in one document only.
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
        if holders:
            return (citation.model_copy(update={"status": "misattributed", "found_in": holders[0].passage_id}),)
        return (self._not_found(citation),)

    def _not_found(self, citation: Citation) -> Citation:
        candidates = [passage for passage, _ in self._texts.values()]
        nearest = nearest_words(citation.quote, candidates, preferred=citation.passage_id)
        return citation.model_copy(update={"status": "not_found", "found_in": None, "nearest": nearest})


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
