"""What agents find: answers with citations, judgements with reasons, scores, differences."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field

from contract.base import Frozen, FrozenMap
from contract.comparisons import Differences, MatterVote
from contract.record import Locator
from contract.references import Reference
from contract.texts import Quote, Sentence, Short

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


class Source(Frozen):
    """A document as a reading list names it."""

    record_id: str
    title: str
    date: str | None = None
    uri: str | None = None


class CitedAnswer(Frozen):
    """What the reader gets: verified claims, what was not used, what could not be answered."""

    question: str
    asked: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """As the person wrote it, where it was read in its conversation."""
    unclear: str = Field(default="", exclude_if=lambda value: not value)
    """What in it is not clear, where it refers to something that nobody could name."""
    held_back: bool = Field(default=False, exclude_if=lambda value: not value)
    """Whether nothing was searched, because it is not clear what is meant."""
    candidates: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Titles of the documents that may be meant, where it was held back."""
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
