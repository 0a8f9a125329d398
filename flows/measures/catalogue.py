"""The catalogue: each measure with its value by a library, its value in resamples, and when it has none.

Undefined is what the source's formula leaves as 0/0 or never meant: fewer than two records; kappas and alpha where all
ratings are one category (chance alone would agree always); AC1 where the scale has one category; precision where
nothing was called positive, recall where nothing is, F1 where neither.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from flows.measures import libraries, resampled
from flows.measures.libraries import Floats
from flows.measures.ratings import Ratings
from flows.measures.resampled import Resampled

_LARGEST = 20_000_000
"""Numbers in the largest array that a library may need; beyond it the same formula is computed without the library."""

Point: TypeAlias = Callable[[Ratings], float]
Reason: TypeAlias = Callable[[Ratings], str | None]

SINGLE = "all verdicts are the same, so that chance alone would always agree (0/0)"


@dataclass(frozen=True)
class Measure:
    """One measure of agreement or of correctness."""

    name: str
    point: Point
    """The value, by a library where there is one; asked only where `undefined` gives no reason."""
    many: Resampled
    undefined: Reason


def of_data(many: Resampled) -> Point:
    """A measure's value by its form for resamples, given the data itself."""

    def point(ratings: Ratings) -> float:
        return float(many(ratings, ratings.records[None, :].astype(np.float64))[0])

    return point


def _by_library(point: Point, many: Resampled, size: Callable[[Ratings], int]) -> Point:
    fallback = of_data(many)
    return lambda ratings: point(ratings) if size(ratings) <= _LARGEST else fallback(ratings)


def _always(ratings: Ratings) -> str | None:  # noqa: ARG001
    return None


def _one_category(ratings: Ratings) -> str | None:
    """All pairs of ratings in one category: kappas and alpha are 0/0."""
    pairable = ratings.codes[ratings.rated >= 2]
    return SINGLE if len(np.unique(pairable[pairable >= 0])) < 2 else None


def _one_category_at_all(ratings: Ratings) -> str | None:
    return SINGLE if ratings.used < 2 else None


def _no_scale(ratings: Ratings) -> str | None:
    return "only one category of verdicts occurs, and AC1 needs two" if ratings.categories < 2 else None


def _square(ratings: Ratings) -> int:
    return ratings.categories**2


def _coincidences(ratings: Ratings) -> int:
    return ratings.units * ratings.categories**2


def _accuracy(ratings: Ratings) -> float:
    return libraries.accuracy(ratings.codes[:, 0], ratings.codes[:, 1], ratings.records)


def _fleiss(ratings: Ratings) -> float:
    complete = bool((ratings.rated == ratings.codes.shape[1]).all())
    if not complete or ratings.units * ratings.categories > _LARGEST:
        return of_data(resampled.fleiss_kappa)(ratings)
    return libraries.fleiss_kappa(ratings.counts_by_record())


def _alpha(ratings: Ratings) -> float:
    counts = ratings.counts_by_record()
    return libraries.krippendorff_alpha(counts, ratings.scale.values, ratings.scale.level)


PERCENT = Measure("percent_agreement", of_data(resampled.percent_agreement), resampled.percent_agreement, _always)
ACCURACY = Measure("accuracy", _accuracy, resampled.accuracy, _always)
COHEN = Measure(
    "cohen_kappa",
    _by_library(lambda ratings: libraries.cohen_kappa(ratings.table()), resampled.cohen_kappa, _square),
    resampled.cohen_kappa,
    _one_category,
)
WEIGHTED = Measure(
    "weighted_kappa",
    _by_library(lambda ratings: libraries.weighted_kappa(ratings.table()), resampled.weighted_kappa, _square),
    resampled.weighted_kappa,
    _one_category,
)
FLEISS = Measure("fleiss_kappa", _fleiss, resampled.fleiss_kappa, _one_category_at_all)
ALPHA = Measure(
    "krippendorff_alpha",
    _by_library(_alpha, resampled.krippendorff_alpha, _coincidences),
    resampled.krippendorff_alpha,
    _one_category,
)
AC1 = Measure("gwet_ac1", of_data(resampled.gwet_ac1), resampled.gwet_ac1, _no_scale)


def about(positive: str) -> tuple[Measure, ...]:
    """Precision, recall and F1 of one verdict; the first rater is the truth."""

    def counted(ratings: Ratings, weights: Floats) -> tuple[Floats, Floats, Floats]:
        return resampled.positives(ratings, weights, ratings.scale.codes.get(positive, len(ratings.scale.labels)))

    def precision(ratings: Ratings, weights: Floats) -> Floats:
        true, predicted, _ = counted(ratings, weights)
        return resampled.divided(true, predicted)

    def recall(ratings: Ratings, weights: Floats) -> Floats:
        true, _, actual = counted(ratings, weights)
        return resampled.divided(true, actual)

    def f1(ratings: Ratings, weights: Floats) -> Floats:
        true, predicted, actual = counted(ratings, weights)
        return resampled.divided(2 * true, predicted + actual)

    def by_library(place: int) -> Point:
        def point(ratings: Ratings) -> float:
            truth, predicted = ratings.codes[:, 0], ratings.codes[:, 1]
            code = ratings.scale.codes[positive]
            return libraries.precision_recall_f1(truth, predicted, ratings.records, code)[place]

        return point

    def without(rater: int, told: str) -> Reason:
        def reason(ratings: Ratings) -> str | None:
            code = ratings.scale.codes.get(positive)
            return None if code is not None and (ratings.codes[:, rater] == code).any() else told

        return reason

    never_predicted = without(1, f"the verdict `{positive}` was never given")
    never_actual = without(0, f"no record is `{positive}` in the ground truth")

    def neither(ratings: Ratings) -> str | None:
        predicted_reason, actual_reason = never_predicted(ratings), never_actual(ratings)
        return f"{predicted_reason}, and {actual_reason}" if predicted_reason and actual_reason else None

    return (
        Measure("precision", by_library(0), precision, never_predicted),
        Measure("recall", by_library(1), recall, never_actual),
        Measure("f1", by_library(2), f1, neither),
    )
