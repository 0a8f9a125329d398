"""Measures: what a study compares when it is over, and how people's answers are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import BeforeValidator, Field

from contract.base import Frozen

Level = Literal["nominal", "ordinal", "interval", "ratio"]
"""Level of measurement (Stevens 1946): what differences between verdicts mean."""
MISSING = "missing"
"""What `labels` gives an answer that means that nobody answered."""


_NO_TRUTH_VALUE = "needs quotation marks around yes, no, on, off, true and false"


def _word(value: Any) -> Any:
    """A word of YAML as text. YAML reads `yes`, `no`, `on` and `off` as true and false, so their words are lost."""
    if isinstance(value, bool):
        raise ValueError(f"{_NO_TRUTH_VALUE}: 'yes'")
    if value is None:
        return "null"
    return str(value) if isinstance(value, int | float) else value


def _words(value: Any) -> Any:
    if isinstance(value, Mapping):
        labels = cast("Mapping[Any, Any]", value)
        if any(isinstance(inner, bool) for inner in labels.values()):
            raise ValueError(f"{_NO_TRUTH_VALUE}, on both sides of the colon: 'yes': 'yes'")
        return {_word(key): _word(inner) for key, inner in labels.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_word(inner) for inner in cast("Sequence[Any]", value))
    return _word(value)


def _list_of_words(value: Any) -> Any:
    words = _words(value)
    return (words,) if isinstance(words, str) else words


def _word_or_none(value: Any) -> Any:
    return None if value is None else _word(value)


Words: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_list_of_words)]


class TruthSource(Frozen):
    """Where people's answers to one criterion stand, and what is particular to them."""

    field: Words = Field(min_length=1)
    """The field of the ground truth, or several, one for each person."""
    coder: str | None = None
    """In tables with a row for each person and text: the column that names the person."""
    labels: Annotated[dict[str, str], BeforeValidator(_words)] = Field(default_factory=dict)
    """As `labels` of the measures, for this criterion alone; added to those."""
    missing: Words = ()
    """As `missing` of the measures, for this criterion alone; added to those."""


GOLD_SUFFIX = ".jsonl"
MOST_SPLIT_CHARACTERS = 10
"""Of what stands between the answers in a cell."""


class Measures(Frozen):
    """What is compared when a study is over: verdicts with each other and with people's answers."""

    verdicts: str
    """The step whose outputs are the verdicts; inside a loop, its last round counts."""
    truth: str | tuple[str, ...] | dict[str, str | tuple[str, ...] | TruthSource] | None = None
    """The field of `record.ground_truth` that holds people's answer, dotted for nested ones; a list of several, one
    for each person; or a gold set, a file that ends in `.jsonl`. With several criteria, each criterion that people
    judged by and its field or fields: `{ordinary: hateful, power: [ana, ben]}`; others are not compared with people.
    A mapping says more: `{ordinary: {field: hateful, coder: annotator_id, labels: {'1': violates}}}`."""
    labels: Annotated[dict[str, str], BeforeValidator(_words)] = Field(default_factory=dict)
    """What stands in the ground truth -> the verdict that it means, or `missing` where it means that nobody answered.
    A key such as `>=0.5` stands for all numbers from there on. A value without a label is taken as the verdict."""
    missing: Words = ()
    """What stands in the ground truth where nobody answered, beside empty, NA, NaN, NULL, None, n/a and `.`."""
    split: str | None = Field(
        default=None, min_length=1, max_length=MOST_SPLIT_CHARACTERS, exclude_if=lambda value: value is None
    )
    """The sign between several answers in one cell of the ground truth, for example `#`."""
    several: Literal["majority", "any"] = Field(default="majority", exclude_if=lambda value: value == "majority")
    """What several answers to one text mean: the verdict that most of them are, none where as many are another (for
    numbers of `level: interval` their mean); or with `any` the positive verdict as soon as one is that."""
    positive: Annotated[str | None, BeforeValidator(_word_or_none)] = "violates"
    """The verdict that precision, recall and F1 are about."""
    level: Level = "nominal"
    order: Words = ()
    """For ordinal verdicts: the labels from least to most. Interval and ratio verdicts must be numbers."""
    weights: Literal["linear", "quadratic"] = Field(default="linear", exclude_if=lambda value: value == "linear")
    """For ordinal verdicts: how much less a difference counts the nearer two verdicts are in `order`."""
    by: tuple[str, ...] = ()
    """Fields of `record.metadata` whose values split every measure again."""
    resamples: int = Field(default=1000, ge=0, le=100_000)
    """Bootstrap resamples of records for each interval; 0 leaves the intervals out."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    seed: int = 0
    alert_below: float | None = Field(default=None, ge=-1, le=1)
    """Krippendorff's alpha below which an event reports low agreement to automations: of all models on a criterion
    with each other, and of each model with the ground truth."""

    @property
    def gold(self) -> str | None:
        """The file of the gold set that `truth` names; None where it names fields."""
        return self.truth if isinstance(self.truth, str) and self.truth.endswith(GOLD_SUFFIX) else None
