"""What agents find: answers with citations, judgements with reasons, scores, differences."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints

from contract.base import Frozen, FrozenMap, JsonValue
from contract.record import Locator
from contract.references import Reference

Short = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=600)]
Quote = Annotated[str, StringConstraints(min_length=1, max_length=600)]

# --- passages and citations ---

MAIN_SECTION = "text"
"""The name under which a record's main text is indexed."""


class Passage(Frozen):
    """A stretch of one section of a record, as indexed."""

    passage_id: str
    """`<record_id>#<section>:<start>-<end>`; the same text gives the same id."""
    record_id: str
    title: str
    section: str
    text: str
    start: int = Field(ge=0)
    """Offset of the first character within the section."""
    end: int = Field(ge=0)
    content_hash: str
    """SHA-256 of `text`."""
    uri: str | None = None
    date: str | None = None
    """ISO date of publication, where the record's metadata has one."""
    metadata: FrozenMap = Field(default_factory=dict, validate_default=True)
    score: float = 0.0
    """Fused rank score of the search that found it; comparable within one search only."""
    similarity: float = 0.0
    """Cosine between question and passage, -1 to 1."""
    locators: tuple[Locator, ...] = Field(default=(), exclude_if=lambda value: not value)
    """The pages that the passage stands on; each `start` counts from the passage's first character."""
    also_in: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Ids of other documents that the search found the same text in."""


def _distinct(passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
    found = {passage.passage_id: passage for passage in reversed(passages)}
    return tuple(passage for passage in passages if found.get(passage.passage_id) is passage)


Passages: TypeAlias = Annotated[tuple[Passage, ...], AfterValidator(_distinct)]
"""Passages of several searches together: each once, where it first stands."""


class SearchResults(Frozen):
    """What a search found, best first."""

    queries: tuple[str, ...]
    passages: tuple[Passage, ...]


CitationStatus = Literal["unchecked", "found", "misattributed", "not_found"]


class NearestWords(Frozen):
    """What a passage says that comes nearest to a quotation which stands nowhere."""

    text: str
    passage_id: str
    record_id: str
    title: str
    section: str
    likeness: int
    """0 to 100, letter by letter."""


class Citation(Frozen):
    """A quotation and where it comes from."""

    quote: str
    passage_id: str
    record_id: str
    title: str
    section: str
    date: str | None = None
    uri: str | None = None
    status: CitationStatus = "unchecked"
    """found: it stands in a passage of the document named; misattributed: in another document; not_found: nowhere."""
    found_in: str | None = None
    """For a misattributed quotation, the passage that does hold it."""
    nearest: NearestWords | None = None
    """For a quotation that was not found."""
    locator: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """Where a verified quotation stands in its document, `p. 103` or `pp. 103–104`; None where nothing says it."""
    also_in: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """As in the passage."""


class Claim(Frozen):
    """One sentence of an answer with the quotations that carry it."""

    text: Sentence
    citations: tuple[Citation, ...]
    unverified: tuple[Citation, ...] = ()
    """Quotations that were given beside the verified ones, and stand in no passage of their document."""


class ResearchAnswer(Frozen):
    """An answer made of cited claims. `unanswered` says what the passages do not tell."""

    question: str
    claims: tuple[Claim, ...] = ()
    unanswered: tuple[str, ...] = ()
    dropped: tuple[Claim, ...] = ()
    """Claims left out because no quotation of theirs could be verified."""
    confidence: float | None = Field(default=None, ge=0, le=1)
    model: str | None = None
    repeat: int = 0
    """Which repeat it is, counted from 0."""
    quality: Literal["full", "demonstration"] = "full"

    @property
    def abstains(self) -> bool:
        """True when the answer makes no claim."""
        return not self.claims


class CitationReport(Frozen):
    """The answers after every quotation was checked against its passage."""

    answers: tuple[ResearchAnswer, ...]
    checked: int
    found: int
    missing: tuple[str, ...] = ()
    """What the answers still lack; words the host can search for."""
    sufficient: bool
    """True when at least one answer stands and nothing is missing."""


SupportVerdict = Literal["supports", "contradicts", "neither"]


class ClaimSupport(Frozen):
    """Whether a claim follows from the words quoted for it, as a model judged."""

    verdict: SupportVerdict
    reason: str
    model: str


class JudgedClaim(Claim):
    """A claim as the reader sees it."""

    support: ClaimSupport | None = None
    """None where no model judged it."""

    @property
    def doubt(self) -> ClaimSupport | None:
        """The judgement, unless it is that the quotations support the claim."""
        return self.support if self.support and self.support.verdict != "supports" else None


class CitedAnswer(Frozen):
    """What the reader gets: verified claims, what was not used, what could not be answered."""

    question: str
    asked: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """As the person wrote it, where it was read in its conversation."""
    unclear: str = Field(default="", exclude_if=lambda value: not value)
    """What in it is not clear, where it refers to something that nobody could name."""
    claims: tuple[JudgedClaim, ...] = ()
    abstained: bool
    summary: str
    """One line; for an abstention, `The corpus does not say.`, or that no quotation could be verified."""
    unanswered: tuple[str, ...] = ()
    support_not_judged: str | None = None
    """Why nobody judged whether the claims follow from their quotations, as part of a sentence."""
    dropped: tuple[Claim, ...] = ()
    differences: Differences | None = None
    votes: tuple[MatterVote, ...] = ()
    """One for each divergence, in order; empty where nobody voted."""
    not_used: tuple[Source, ...] = ()
    """Documents found but not cited, nearest first."""
    models: tuple[str, ...] = ()
    references: tuple[Reference, ...] = Field(default=(), exclude_if=lambda value: not value)
    """The references of the documents cited, where the flow makes them."""
    references_not_made: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """Which documents have no reference, and why."""
    quality: Literal["full", "demonstration"] = "full"

    def reference(self, record_id: str) -> Reference | None:
        """The reference of that document, where there is one."""
        return next((one for one in self.references if one.record_id == record_id), None)


class Source(Frozen):
    """A document as a reading list names it."""

    record_id: str
    title: str
    date: str | None = None
    uri: str | None = None


# --- what models are asked to write ---


class QuoteDraft(Frozen):
    """A quotation as a model writes it: the label of the passage and its words, copied."""

    passage: Short
    """The label of the passage, for example P3."""
    quote: Quote


class ClaimDraft(Frozen):
    """A sentence of an answer and the quotations that show it."""

    # Evidence before conclusion: models write fields in this order, and conclude better from words just copied.
    quotes: tuple[QuoteDraft, ...] = Field(min_length=1, max_length=4)
    text: Sentence


class ResearchDraft(Frozen):
    """The reply asked of a researcher model."""

    claims: tuple[ClaimDraft, ...] = Field(default=(), max_length=8)
    unanswered: tuple[Short, ...] = Field(default=(), max_length=5)
    answerable: bool
    """False when the claims do not answer the question; then none of them is used."""


# --- judgements ---


class Reasons(Frozen):
    """A conclusion and the numbered reasons for it."""

    conclusion: Sentence
    reasons: tuple[Sentence, ...] = Field(min_length=1, max_length=12)


class CriterionReason(Frozen):
    """What one part of a criterion says of the record."""

    # Evidence before conclusion, as in `ClaimDraft`.
    rule: Short
    quotes: tuple[Quote, ...] = Field(default=(), max_length=5)
    """Words copied from the record; checked verbatim afterwards."""
    applies: Literal["yes", "no", "unclear"]
    reason: Sentence


class JudgeReasons(Frozen):
    """A verdict on one record against one criterion, as a model writes it."""

    verdict: Short
    """One of the criterion's verdicts; the schema that a model is sent names them."""
    uncertainty: Literal["low", "medium", "high"]
    conclusion: Sentence
    reasons: tuple[CriterionReason, ...] = Field(min_length=1, max_length=12)


class RecordQuote(Frozen):
    """A quotation from a record, checked letter by letter after Unicode normalisation."""

    quote: str
    """As it stands in the record when found, else as the model wrote it."""
    status: Literal["found", "not_found"]
    field: str | None = None
    """Where it was found: `text`, `title`, `sections.<name>` or `images.<number>` (its alt text)."""
    start: int | None = None
    """Offset of its first character in that field."""
    end: int | None = None


class CheckedReason(Frozen):
    """A reason whose quotations were checked against the record."""

    rule: str
    applies: Literal["yes", "no", "unclear"]
    reason: str
    quotes: tuple[RecordQuote, ...] = ()


class AnswerLabel(Frozen):
    """Which answer a label such as A1 stands for."""

    label: str
    model: str | None = None
    criteria: str = ""
    """As in `Judgement.criteria`; empty for answers to a question."""
    repeat: int = 0
    """Counted from 0."""
    synthesis: bool = False
    """True for an answer that was itself made of several."""


CodeValue: TypeAlias = str | float | tuple[str, ...] | None
"""The answer to one variable: an option, yes or no, or words; a number; several options or quotations; None where the
record does not tell."""


class CodeDraft(Frozen):
    """The answer to one variable of a codebook, as a model writes it."""

    quotes: tuple[Quote, ...] = Field(default=(), max_length=5)
    """Words copied from the record; checked verbatim afterwards."""
    reason: Sentence
    uncertainty: Literal["low", "medium", "high"]
    value: JsonValue
    """Of the variable's type; the schema that a model is sent names what is allowed."""


class CodebookReply(Frozen):
    """The answers to all variables of a codebook, as a model writes them."""

    codes: dict[str, CodeDraft]


class Code(Frozen):
    """The answer to one variable, with its quotations as checked."""

    value: CodeValue
    uncertainty: Literal["low", "medium", "high"]
    reason: str
    quotes: tuple[RecordQuote, ...] = ()


class Judgement(Frozen):
    """A judge's answer, or the synthesis of several: the verdict, its reasons, and its quotations as checked."""

    verdict: str
    uncertainty: Literal["low", "medium", "high"]
    conclusion: str
    reasons: tuple[CheckedReason, ...]
    criteria: str
    """The criterion as the study names it; the whole text of one that is given as text."""
    model: str | None = None
    repeat: int = 0
    """Which repeat it is, counted from 0."""
    quality: Literal["full", "demonstration"] = "full"
    answers: tuple[AnswerLabel, ...] = ()
    """For a synthesis: the answers that it was made of, and that its reasons name by their labels."""
    codes: dict[str, Code] = Field(default_factory=dict, exclude_if=lambda value: not value)
    """By a codebook: variable -> its answer. `verdict` has them all in one line then, and `reasons` one for each."""

    @property
    def not_found(self) -> int:
        """Quotations that do not stand in the record."""
        return sum(quote.status == "not_found" for reason in self.reasons for quote in reason.quotes)


class ConcernDraft(Frozen):
    """The reply asked of an owl."""

    raised: bool
    concern: str = Field(default="", max_length=600)
    """What the judges should look at again; empty when nothing is raised."""


class Concern(ConcernDraft):
    """What an owl has to say about a record's judgements on one criterion."""

    criteria: str = ""
    """As in `Judgement.criteria`."""


class Description(Frozen):
    """What the pictures of a record show, in words, one text a picture, in their order."""

    alt_texts: tuple[Sentence, ...] = Field(min_length=1, max_length=20)


class QualScore(Frozen):
    """Whether an answer holds one thing that the experts' answer holds."""

    assessment: Sentence
    correct: bool


class QualResults(Frozen):
    """A criterion-referenced score of one answer."""

    assessments: tuple[QualScore, ...] = Field(min_length=1, max_length=40)

    @property
    def correctness(self) -> float:
        """Share of assessments that are correct, 0 to 1."""
        return sum(score.correct for score in self.assessments) / len(self.assessments)


class Position(Frozen):
    """A view on one matter and the answers that hold it."""

    position: Sentence
    held_by: tuple[Short, ...] = Field(min_length=1, max_length=20)
    """Labels of the answers, for example A1."""


class Divergence(Frozen):
    """A matter on which answers part."""

    topic: Short
    positions: tuple[Position, ...] = Field(min_length=2, max_length=8)


class DifferencesDraft(Frozen):
    """The reply asked of a model that compares answers."""

    conclusion: Sentence
    divergences: tuple[Divergence, ...] = Field(default=(), max_length=12)


class Differences(DifferencesDraft):
    """Where several answers to one question agree and part."""

    answers: tuple[AnswerLabel, ...] = ()
    """What the labels in `held_by` stand for."""


class MatterVote(Frozen):
    """How models voted on one matter on which answers part."""

    topic: str
    votes: tuple[int, ...]
    """For each position, in order."""
    undecided: int = Field(ge=0)
    """Models for which the quotations decide nothing."""
    outcome: str | None = None
    """The position with the most votes; None when two have as many, or none has any."""


CitedAnswer.model_rebuild()
