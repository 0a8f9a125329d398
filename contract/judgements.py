"""Verdicts and codes with their reasons, as models write them and as checked; scores, concerns, descriptions."""

from __future__ import annotations

from typing import Literal, TypeAlias

from pydantic import Field

from contract.base import Frozen, JsonValue
from contract.comparisons import AnswerLabel
from contract.texts import Quote, Sentence, Short


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
    locator: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """The pages, the speaker or the time where it stands, `p. 103`; None where the record has none."""


class CheckedReason(Frozen):
    """A reason whose quotations were checked against the record."""

    rule: str
    applies: Literal["yes", "no", "unclear"]
    reason: str
    quotes: tuple[RecordQuote, ...] = ()


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
