"""Results of the measures: estimates with intervals, for each comparison of raters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ComparisonKind = Literal[
    "truth",
    "models",
    "all_models",
    "repeats",
    "reasons",
    "people",
    "all_people",
    "person",
    "majority",
    "people_truth",
    "dawid_skene",
]
"""truth: one model with the ground truth; models: two models; all_models: all of them at once; repeats: one model
with itself; reasons: the reasons that experts gave with those of one model's answers; people: two people; all_people:
all of them at once; person: one model with one person; majority: one model with what most people say, where the ground
truth is a decision of its own; people_truth: one person with that; dawid_skene: one person as Dawid and Skene's model
sees them, with nobody's answer as the truth."""

_ROUNDING = 1e-12
NO_GROUND_TRUTH = "no record has an answer of people"
"""The reason why measures against the ground truth are undefined where there is none."""


@dataclass(frozen=True)
class Estimate:
    """One measure of one comparison. An undefined value is None with a reason, never 0 or 1."""

    measure: str
    """`accuracy`, `precision`, `recall`, `f1`, `percent_agreement`, `cohen_kappa`, `fleiss_kappa`,
    `krippendorff_alpha`, `gwet_ac1`, `brennan_prediger` with people, and `weighted_kappa` and `gwet_ac2` for ordinal
    verdicts."""
    value: float | None
    low: float | None = None
    """Bounds of the bootstrap interval, by record; None where there is none."""
    high: float | None = None
    undefined: str | None = None
    """The reason why there is no value, in plain words."""
    interval_undefined: str | None = None
    """The reason why there is a value but no interval, where one was asked for."""

    @classmethod
    def measured(
        cls,
        measure: str,
        value: float | None,
        low: float | None = None,
        high: float | None = None,
        interval_undefined: str | None = None,
    ) -> Estimate:
        """What was computed, without the error of floats that lies beside a whole number."""
        value, low, high = map(_without_rounding_error, (value, low, high))
        return cls(measure, value, low, high, interval_undefined=interval_undefined)


def _without_rounding_error(number: float | None) -> float | None:
    """Sums of floats end beside 0 and 1 in the last digits: -2.2e-16 would be read as less than chance."""
    if number is None or abs(number - (whole := round(number, 0))) >= _ROUNDING:
        return number
    return whole + 0.0


@dataclass(frozen=True)
class Comparison:
    """Raters compared over records."""

    kind: ComparisonKind
    criteria: str
    by: str
    """The metadata field that splits the records; empty for all of them."""
    group: str
    """The field's value; empty for all records."""
    raters: tuple[str, ...]
    """Names of models; `ground truth`; `<model> repeat 1` …"""
    records: int
    """Records that at least two of the raters judged; the measures are computed from these."""
    left_out: int
    """Records that were not judged by two of them: failed, refused, or without ground truth."""
    estimates: tuple[Estimate, ...]
    confusion: Mapping[str, Mapping[str, int]] | None = None
    """For kind `truth`: truth -> verdict -> records; every category in both, in the scale's order.
    None beyond 50 categories."""
    rates: Mapping[str, Mapping[str, float]] | None = None
    """For kind `dawid_skene`: label that is probably true -> label given -> share of those records, from 0 to 1. A
    label that is probably true of no record that the person judged is not in it."""
    off_scale: int = 0
    """Number of records left out because a verdict or the ground truth is not on the scale: not in
    `measures.order`, or not a number."""


@dataclass(frozen=True)
class MeasureResults:
    """All comparisons of a study, and how the intervals were computed."""

    comparisons: tuple[Comparison, ...]
    method: str
    """One sentence for the methods paragraph: resamples, confidence, seed, libraries with their versions."""
