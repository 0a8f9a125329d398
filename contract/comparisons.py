"""How answers part: the matters, the positions on each, and who holds them; votes on them."""

from __future__ import annotations

from pydantic import Field

from contract.base import Frozen
from contract.texts import Sentence, Short


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
