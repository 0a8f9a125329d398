"""Lists the measures, each with its value by a library, its value in resamples, and when it is undefined.

A measure is undefined where its formula gives 0/0 or was not made for the data: fewer than two records; kappas and
alpha where all ratings are one category (chance alone would always agree); AC1 where the scale has one category;
precision where no verdict is positive, recall where no truth is positive, F1 where neither is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from flows.measures import libraries, resampled
from flows.measures.libraries import Floats
from flows.measures.ratings import Ratings
from flows.measures.resampled import ResampledMeasure

_MAX_LIBRARY_NUMBERS = 20_000_000
"""Numbers in the largest array that a library may need; beyond it the same formula is computed without a library."""

PointEstimator: TypeAlias = Callable[[Ratings], float]
UndefinedReason: TypeAlias = Callable[[Ratings], str | None]

SINGLE_CATEGORY_REASON = "all verdicts are the same, so that chance alone would always agree (0/0)"


@dataclass(frozen=True)
class Measure:
    """One measure of agreement or of correctness."""

    name: str
    point_estimate: PointEstimator
    """The value, by a library where there is one; called only where `undefined_reason` gives no reason."""
    resampled: ResampledMeasure
    undefined_reason: UndefinedReason


def point_from_resampled(resampled_measure: ResampledMeasure) -> PointEstimator:
    """A measure's value, by applying its form for resamples to the data itself."""

    def point(ratings: Ratings) -> float:
        return float(resampled_measure(ratings, ratings.record_counts[None, :].astype(np.float64))[0])

    return point


def _library_unless_large(
    point: PointEstimator, resampled_measure: ResampledMeasure, size: Callable[[Ratings], int]
) -> PointEstimator:
    fallback = point_from_resampled(resampled_measure)
    return lambda ratings: point(ratings) if size(ratings) <= _MAX_LIBRARY_NUMBERS else fallback(ratings)


def _always_defined(ratings: Ratings) -> str | None:  # noqa: ARG001
    return None


def _one_pairable_category(ratings: Ratings) -> str | None:
    """All pairs of ratings in one category: kappas and alpha are 0/0."""
    pairable = ratings.codes[ratings.raters_per_pattern >= 2]
    return SINGLE_CATEGORY_REASON if len(np.unique(pairable[pairable >= 0])) < 2 else None


def _one_category(ratings: Ratings) -> str | None:
    return SINGLE_CATEGORY_REASON if ratings.used_categories < 2 else None


def _one_scale_category(ratings: Ratings) -> str | None:
    return "only one category of verdicts occurs, and this measure needs two" if ratings.categories < 2 else None


def _contingency_size(ratings: Ratings) -> int:
    return ratings.categories**2


def _coincidence_size(ratings: Ratings) -> int:
    return ratings.pairable_records * ratings.categories**2


def _accuracy(ratings: Ratings) -> float:
    return libraries.accuracy(ratings.codes[:, 0], ratings.codes[:, 1], ratings.record_counts)


def _fleiss_kappa(ratings: Ratings) -> float:
    complete = bool((ratings.raters_per_pattern == ratings.codes.shape[1]).all())
    if not complete or ratings.pairable_records * ratings.categories > _MAX_LIBRARY_NUMBERS:
        return point_from_resampled(resampled.fleiss_kappa)(ratings)
    return libraries.fleiss_kappa(ratings.counts_by_record())


def _krippendorff_alpha(ratings: Ratings) -> float:
    counts = ratings.counts_by_record()
    return libraries.krippendorff_alpha(counts, ratings.scale.values, ratings.scale.level)


PERCENT_AGREEMENT = Measure(
    "percent_agreement", point_from_resampled(resampled.percent_agreement), resampled.percent_agreement, _always_defined
)
ACCURACY = Measure("accuracy", _accuracy, resampled.accuracy, _always_defined)
COHEN_KAPPA = Measure(
    "cohen_kappa",
    _library_unless_large(
        lambda ratings: libraries.cohen_kappa(ratings.contingency_table()), resampled.cohen_kappa, _contingency_size
    ),
    resampled.cohen_kappa,
    _one_pairable_category,
)
WEIGHTED_KAPPA = Measure(
    "weighted_kappa",
    _library_unless_large(
        lambda ratings: libraries.weighted_kappa(ratings.contingency_table(), ratings.scale.weights),
        resampled.weighted_kappa,
        _contingency_size,
    ),
    resampled.weighted_kappa,
    _one_pairable_category,
)
FLEISS_KAPPA = Measure("fleiss_kappa", _fleiss_kappa, resampled.fleiss_kappa, _one_category)
KRIPPENDORFF_ALPHA = Measure(
    "krippendorff_alpha",
    _library_unless_large(_krippendorff_alpha, resampled.krippendorff_alpha, _coincidence_size),
    resampled.krippendorff_alpha,
    _one_pairable_category,
)
ALPHA_MASI = Measure(
    "krippendorff_alpha_masi",
    _library_unless_large(
        lambda ratings: libraries.alpha_of_sets(ratings.counts_by_record(), ratings.scale.set_distances),
        resampled.alpha_masi,
        _coincidence_size,
    ),
    resampled.alpha_masi,
    _one_pairable_category,
)
GWET_AC1 = Measure("gwet_ac1", point_from_resampled(resampled.gwet_ac1), resampled.gwet_ac1, _one_scale_category)

GWET_AC2 = Measure("gwet_ac2", point_from_resampled(resampled.gwet_ac2), resampled.gwet_ac2, _one_scale_category)
BRENNAN_PREDIGER = Measure(
    "brennan_prediger",
    point_from_resampled(resampled.brennan_prediger),
    resampled.brennan_prediger,
    _one_scale_category,
)


def positive_class_measures(positive: str) -> tuple[Measure, ...]:
    """Precision, recall and F1 of one verdict; the first rater is the truth."""

    def counts(ratings: Ratings, weights: Floats) -> tuple[Floats, Floats, Floats]:
        return resampled.positive_counts(ratings, weights, ratings.scale.codes.get(positive, len(ratings.scale.labels)))

    def precision(ratings: Ratings, weights: Floats) -> Floats:
        true, predicted, _ = counts(ratings, weights)
        return resampled.safe_divide(true, predicted)

    def recall(ratings: Ratings, weights: Floats) -> Floats:
        true, _, actual = counts(ratings, weights)
        return resampled.safe_divide(true, actual)

    def f1(ratings: Ratings, weights: Floats) -> Floats:
        true, predicted, actual = counts(ratings, weights)
        return resampled.safe_divide(2 * true, predicted + actual)

    def by_library(index: int) -> PointEstimator:
        def point(ratings: Ratings) -> float:
            truth, predicted = ratings.codes[:, 0], ratings.codes[:, 1]
            code = ratings.scale.codes[positive]
            return libraries.precision_recall_f1(truth, predicted, ratings.record_counts, code)[index]

        return point

    def reason_if_absent(rater: int, message: str) -> UndefinedReason:
        def reason(ratings: Ratings) -> str | None:
            code = ratings.scale.codes.get(positive)
            return None if code is not None and (ratings.codes[:, rater] == code).any() else message

        return reason

    never_predicted = reason_if_absent(1, f"the verdict `{positive}` was never given")
    never_actual = reason_if_absent(0, f"no record is `{positive}` in the ground truth")

    def neither_occurs(ratings: Ratings) -> str | None:
        predicted_reason, actual_reason = never_predicted(ratings), never_actual(ratings)
        return f"{predicted_reason}, and {actual_reason}" if predicted_reason and actual_reason else None

    return (
        Measure("precision", by_library(0), precision, never_predicted),
        Measure("recall", by_library(1), recall, never_actual),
        Measure("f1", by_library(2), f1, neither_occurs),
    )
