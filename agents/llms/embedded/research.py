"""Answers a question with sentences of the passages, or abstains if they do not answer it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.llms.embedded.passages import PassageText, read_passages
from agents.llms.embedded.premise import asks_for_reasons, contradiction, states_a_reason
from agents.llms.embedded.reference_words import refers_to_nothing
from agents.llms.embedded.relevance import MIN_WEIGHT, Document, Evidence, weigh_evidence
from agents.llms.embedded.sentences import is_heading
from agents.llms.embedded.similarity import Similarity
from agents.llms.embedded.words import stem, stems
from contract.findings import ClaimDraft, QuoteDraft, ResearchDraft

MAX_CLAIMS = 6
MAX_QUOTE = 450
"""Characters of a quotation: the claim that contains it must stay below its limit of 600."""
_MIN_DOCUMENT_SHARE = 0.8
"""A further document is quoted if it answers by itself, and weighs at least this share of the first."""
_MAX_CLAIMS_PER_DOCUMENT = 3
_MIN_SENTENCE_SHARE = 0.4
"""A further sentence of a document is quoted if its score is at least this share of the best score there."""
_SECTION_BONUS = 0.4
_SECTIONS_ASKED_FOR = {
    "reason": r"\b(?:why|reasons?|grounds?|justif\w+|because|what did the \w+ (?:say|think|find|conclude))\b",
    "recommend": r"\b(?:recommend\w*|advise\w*|suggest\w*|want\w* changed)\b",
    "fact": r"\b(?:who|where|when (?:did|was|were)|happened|show\w*|depict\w*)\b",
    "summari": r"\b(?:decide[ds]?|rul(?:e[ds]?|ing)|upheld|uphold|overturn\w*|outcome|restor\w+|allow\w*)\b",
}
"""Stem of a section's name -> a pattern of the questions that ask for such a section."""


@dataclass(frozen=True)
class Candidate:
    """A sentence that may be quoted."""

    passage: PassageText
    sentence: str
    score: float


def research(material: Mapping[str, Any], similarity: Similarity) -> ResearchDraft:
    """The best sentences of the documents that answer the question, each quoted; or an abstention with its reason."""
    question = str(material["question"])
    evidence = weigh_evidence(question, read_passages(material), similarity)
    if not evidence.is_sufficient:
        return ResearchDraft(answerable=False, unanswered=_unanswered(question, evidence))
    first = evidence.documents[0]
    opposite = contradiction(question, first.passages, similarity)
    if opposite:
        premise_note = f"The question supposes what '{first.passages[0].title}' contradicts: {opposite}"
        return ResearchDraft(answerable=False, unanswered=(_truncate(premise_note, 300),))
    chosen = _choose(question, evidence, similarity)
    # Sentences about the matter are found for every question; for a reason there may be none.
    lacks_reason = asks_for_reasons(question) and not any(map(_gives_reason, chosen))
    return ResearchDraft(
        answerable=True,
        claims=tuple(_claim(candidate) for candidate in chosen),
        unanswered=(_truncate(question.strip(), 300),) if lacks_reason else (),
    )


def _unanswered(question: str, evidence: Evidence) -> tuple[str, ...]:
    if unknown := refers_to_nothing(question):
        return (unknown,)
    return tuple(_truncate(word, 300) for word in evidence.missing[:5]) or (
        _truncate(question.strip(), 300) or "an empty question",
    )


def _choose(question: str, evidence: Evidence, similarity: Similarity) -> list[Candidate]:
    documents = evidence.documents
    least = max(MIN_WEIGHT, _MIN_DOCUMENT_SHARE * documents[0].weight)
    kept = [document for document in documents if document.weight >= least]
    ranked = [_candidates(question, document, evidence.importance, similarity) for document in kept[:MAX_CLAIMS]]
    # The best sentence of every document first, then the further ones of the first document.
    chosen = [candidates[0] for candidates in ranked[1 : MAX_CLAIMS - _MAX_CLAIMS_PER_DOCUMENT + 1] if candidates]
    first = _reasons_first(ranked[0]) if asks_for_reasons(question) else ranked[0][:_MAX_CLAIMS_PER_DOCUMENT]
    return [*first, *chosen]


def _reasons_first(ranked: Sequence[Candidate]) -> list[Candidate]:
    """The best candidates, those that give a reason first; the best such candidate is among them."""
    best = list(ranked[:_MAX_CLAIMS_PER_DOCUMENT])
    reason = next((candidate for candidate in ranked if _gives_reason(candidate)), None)
    if reason and reason not in best:
        best[-1] = reason
    return sorted(best, key=lambda candidate: not _gives_reason(candidate))


def _gives_reason(candidate: Candidate) -> bool:
    """Whether the sentence stands where reasons stand, or says that it gives one."""
    return stem(candidate.passage.section) == "reason" or states_a_reason(candidate.sentence)


def _candidates(
    question: str, document: Document, importance: Mapping[str, float], similarity: Similarity
) -> list[Candidate]:
    """The sentences of the document that may be quoted, best first; headings only where there is nothing else.

    A word of the question counts by its importance: `Board` stands in sentences that say nothing of the matter. A
    title that the question gives tells which document is meant, but no sentence of it from another.
    """
    pairs = _distinct([(passage, sentence) for passage in document.passages for sentence in passage.sentences])
    cosines = {passage.label: _sentence_cosines(question, passage, similarity) for passage in document.passages}
    title = document.passages[0].title
    given = stems(title) if f'"{title}"' in question else set[str]()
    asked = {word: value for word, value in importance.items() if word not in given}
    wanted = _section_asked_for(question)
    candidates = [
        Candidate(
            passage,
            sentence,
            cosines[passage.label][sentence]
            + sum(asked[word] for word in asked.keys() & stems(sentence)) / (sum(asked.values()) or 1)
            + (_SECTION_BONUS if wanted and stem(passage.section) == wanted else 0.0),
        )
        for passage, sentence in pairs
    ]
    # A heading is most like the question, and says nothing of it.
    written = [candidate for candidate in candidates if not is_heading(candidate.sentence)] or candidates
    ranked = sorted(written, key=lambda candidate: -candidate.score)
    return _diversify([candidate for candidate in ranked if candidate.score >= _MIN_SENTENCE_SHARE * ranked[0].score])


def _sentence_cosines(question: str, passage: PassageText, similarity: Similarity) -> dict[str, float]:
    """How much each sentence is like the question, with its title and by itself: the mean of both.

    With its title alone, a sentence that says nothing of the matter would be like the question as well.
    """
    titled = similarity.cached_cosines([f"{passage.title}. {sentence}" for sentence in passage.sentences], [question])
    alone = similarity.cached_cosines(passage.sentences, [question])
    means = [float(one) for one in ((titled + alone) / 2)[:, 0]]
    return dict(zip(passage.sentences, means, strict=True))


def _distinct(pairs: Sequence[tuple[PassageText, str]]) -> list[tuple[PassageText, str]]:
    """Drops repeated sentences of overlapping passages. If one of two is cut, the longer is kept."""
    kept: list[tuple[PassageText, str]] = []
    for passage, sentence in sorted(pairs, key=lambda pair: -len(pair[1])):
        if not any(sentence in longer for _, longer in kept):
            kept.append((passage, sentence))
    return kept


def _section_asked_for(question: str) -> str | None:
    """The stem of the section that the question asks for, by the first pattern that matches."""
    return next((name for name, asks in _SECTIONS_ASKED_FOR.items() if re.search(asks, question, re.IGNORECASE)), None)


def _diversify(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Puts the best sentence of each passage first: several passages hold more than several sentences of one."""
    seen: set[str] = set()
    first: list[Candidate] = []
    further: list[Candidate] = []
    for candidate in ranked:
        (further if candidate.passage.label in seen else first).append(candidate)
        seen.add(candidate.passage.label)
    return [*first, *further]


def _claim(candidate: Candidate) -> ClaimDraft:
    passage = candidate.passage
    quote = _quotable(candidate.sentence)
    when = f" ({passage.date})" if passage.date else ""
    under = f", under '{passage.section}'" if passage.section not in ("", "text") else ""
    return ClaimDraft(
        text=f"In '{_truncate(passage.title, 100)}'{when}{under}: {quote}",
        quotes=(QuoteDraft(passage=passage.label, quote=quote),),
    )


def _quotable(sentence: str) -> str:
    """The sentence, or its beginning up to the end of a word: still verbatim."""
    return sentence if len(sentence) <= MAX_QUOTE else sentence[:MAX_QUOTE].rsplit(None, 1)[0]


def _truncate(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
