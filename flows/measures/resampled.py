"""Computes every measure for many resamples at once.

Each function takes ratings and weights of the shape (resamples, patterns), the number of records with each pattern in
each resample, and returns the measure for each resample, NaN where it is undefined. With the weights of the data
itself it equals the library's value, as tests/measures shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from flows.measures.libraries import Floats
from flows.measures.ratings import Ratings, weighted_sums

ResampledMeasure: TypeAlias = Callable[[Ratings, Floats], Floats]
_BLOCK_SIZE = 512


def safe_divide(numerator: Floats, denominator: Floats, tolerance: float = 0.0) -> Floats:
    """The quotient; NaN where the denominator is not larger than `tolerance`."""
    out = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    return np.divide(numerator, denominator, out=out, where=np.abs(denominator) > tolerance)


def chance_corrected(observed: Floats, expected: Floats) -> Floats:
    """(observed - expected) / (1 - expected); NaN where chance alone would always agree."""
    # A sum of squared shares may miss an exact 1 by rounding.
    return safe_divide(observed - expected, 1 - expected, 1e-12)


def percent_agreement(ratings: Ratings, weights: Floats) -> Floats:
    """Mean share of agreeing pairs of raters, over records with at least two ratings (Gwet 2014, ch. 2)."""
    rated = ratings.raters_per_pattern.astype(np.float64)
    squares = np.asarray(ratings.category_counts.multiply(ratings.category_counts).sum(axis=1)).ravel()
    several = rated >= 2
    share = np.divide(squares - rated, rated * (rated - 1), out=np.zeros_like(rated), where=several)
    return safe_divide(weights @ share, weights @ several.astype(np.float64))


def accuracy(ratings: Ratings, weights: Floats) -> Floats:
    """Share of records whose verdict (second rater) is the truth (first rater)."""
    same = (ratings.codes[:, 0] == ratings.codes[:, 1]).astype(np.float64)
    return safe_divide(weights @ same, weights.sum(axis=1))


def positive_counts(ratings: Ratings, weights: Floats, positive: int) -> tuple[Floats, Floats, Floats]:
    """True positives, positive verdicts, positive truths: each of the shape (resamples,)."""
    truth, predicted = (ratings.codes[:, rater] == positive for rater in (0, 1))
    true_positive, predicted_positive, actual_positive = (
        weights @ which.astype(np.float64) for which in (truth & predicted, predicted, truth)
    )
    return true_positive, predicted_positive, actual_positive


def cohen_kappa(ratings: Ratings, weights: Floats) -> Floats:
    """(po - pe) / (1 - pe), pe from each rater's own shares (Cohen 1960); both raters rated every record."""
    total = weights.sum(axis=1)
    observed = accuracy(ratings, weights)
    first, second = (weighted_sums(weights, ratings.chosen_by(rater)) for rater in (0, 1))
    expected = safe_divide((first * second).sum(axis=1), total**2)
    return chance_corrected(observed, expected)


def weighted_kappa(ratings: Ratings, weights: Floats) -> Floats:
    """1 - observed / expected distance, distances as the scale weights them (Cohen 1968)."""
    distances = 1 - ratings.scale.agreement_weights
    distance = distances[ratings.codes[:, 0], ratings.codes[:, 1]]
    first, second = (weighted_sums(weights, ratings.chosen_by(rater)) for rater in (0, 1))
    expected = ((first @ distances) * second).sum(axis=1)
    return 1 - safe_divide((weights @ distance) * weights.sum(axis=1), expected)


def _category_shares(ratings: Ratings, weights: Floats) -> Floats:
    """Shares of the categories (resamples, categories): the mean over rated records of each record's own shares."""
    rated = ratings.raters_per_pattern.astype(np.float64)
    own = ratings.category_counts.multiply(
        np.divide(1, rated, out=np.zeros_like(rated), where=rated > 0)[:, None]
    ).tocsr()
    return safe_divide(weighted_sums(weights, own), (weights @ (rated > 0).astype(np.float64))[:, None])


def fleiss_kappa(ratings: Ratings, weights: Floats) -> Floats:
    """(pa - pe) / (1 - pe), pe the sum of squared shares (Fleiss 1971; with missing ratings Gwet 2014, ch. 2)."""
    expected = (_category_shares(ratings, weights) ** 2).sum(axis=1)
    return chance_corrected(percent_agreement(ratings, weights), expected)


def gwet_ac1(ratings: Ratings, weights: Floats) -> Floats:
    """(pa - pe) / (1 - pe), pe = sum of share x (1 - share) / (categories - 1).

    Gwet 2008, British Journal of Mathematical and Statistical Psychology 61, eq. 5 and 6; with missing ratings after
    Gwet 2014, Handbook of Inter-Rater Reliability, ch. 2: agreement is taken over records with two ratings or more,
    shares over all that were rated. The categories are those of the scale, also where a resample lacks one.
    """
    if ratings.categories < 2:
        return np.full(len(weights), np.nan)
    shares = _category_shares(ratings, weights)
    expected = (shares * (1 - shares)).sum(axis=1) / (ratings.categories - 1)
    return chance_corrected(percent_agreement(ratings, weights), expected)


def weighted_agreement(ratings: Ratings, weights: Floats) -> Floats:
    """Mean weighted agreement of pairs of raters, over records with at least two ratings (Gwet 2014, ch. 3)."""
    counts = np.asarray(ratings.category_counts.todense(), dtype=np.float64)
    rated = ratings.raters_per_pattern.astype(np.float64)
    several = rated >= 2
    pairs = (counts * (counts @ ratings.scale.agreement_weights - 1)).sum(axis=1)
    share = np.divide(pairs, rated * (rated - 1), out=np.zeros_like(rated), where=several)
    return safe_divide(weights @ share, weights @ several.astype(np.float64))


def gwet_ac2(ratings: Ratings, weights: Floats) -> Floats:
    """(pa - pe) / (1 - pe), pa weighted, pe = sum of all weights x sum of share x (1 - share) / (q (q - 1)).

    Gwet 2014, Handbook of Inter-Rater Reliability, ch. 3; with identity weights it is AC1. q is the number of the
    scale's categories.
    """
    q = ratings.categories
    if q < 2:
        return np.full(len(weights), np.nan)
    shares = _category_shares(ratings, weights)
    expected = float(ratings.scale.agreement_weights.sum()) * (shares * (1 - shares)).sum(axis=1) / (q * (q - 1))
    return chance_corrected(weighted_agreement(ratings, weights), expected)


def brennan_prediger(ratings: Ratings, weights: Floats) -> Floats:
    """(pa - 1/q) / (1 - 1/q), q the number of the scale's categories.

    Brennan & Prediger 1981, Educational and Psychological Measurement 41; for two raters it is Bennett's S.
    """
    if ratings.categories < 2:
        return np.full(len(weights), np.nan)
    return chance_corrected(percent_agreement(ratings, weights), np.full(len(weights), 1 / ratings.categories))


def krippendorff_alpha(ratings: Ratings, weights: Floats) -> Floats:
    """1 - observed / expected disagreement at the scale's level (Krippendorff 2011, "Computing alpha-reliability")."""
    pairable = (ratings.raters_per_pattern >= 2).astype(np.float64)
    totals = weighted_sums(weights * pairable, ratings.category_counts)
    if ratings.scale.level == "ordinal":
        observed, expected = _ordinal_disagreement(ratings, weights * pairable, totals)
    else:
        observed, expected = weights @ _observed_disagreement(ratings), _expected_disagreement(ratings, totals)
    return 1 - safe_divide(observed * (totals.sum(axis=1) - 1), expected)


def alpha_masi(ratings: Ratings, weights: Floats) -> Floats:
    """Krippendorff's alpha of sets of options with their MASI distance (Passonneau 2006), as `krippendorff_alpha`."""
    distances, counts = ratings.scale.set_distances, ratings.category_counts.toarray()
    pairable = (ratings.raters_per_pattern >= 2).astype(np.float64)
    totals = weighted_sums(weights * pairable, ratings.category_counts)
    own = ((counts @ distances) * counts).sum(axis=1)
    observed = np.divide(own, ratings.raters_per_pattern - 1, out=np.zeros(len(own)), where=pairable > 0)
    expected = ((totals @ distances) * totals).sum(axis=1)
    return 1 - safe_divide((weights @ observed) * (totals.sum(axis=1) - 1), expected)


def _distance(ratings: Ratings, one: Floats, other: Floats) -> Floats:
    if ratings.scale.level == "interval":
        return (one - other) ** 2
    if ratings.scale.level == "ratio":
        both = one + other
        return np.divide(one - other, both, out=np.zeros(both.shape), where=both != 0) ** 2
    return (one != other).astype(np.float64)


def _observed_disagreement(ratings: Ratings) -> Floats:
    """Each pattern's own sum of distances over ordered pairs of raters, over its raters less one."""
    values = ratings.scale.values[ratings.codes]
    is_rated = ratings.codes >= 0
    total = np.zeros(len(values))
    for rater in range(values.shape[1]):
        both = is_rated & is_rated[:, [rater]]
        total += (_distance(ratings, values, values[:, [rater]]) * both).sum(axis=1)
    return np.divide(
        total, ratings.raters_per_pattern - 1, out=np.zeros(len(values)), where=ratings.raters_per_pattern >= 2
    )


def _expected_disagreement(ratings: Ratings, totals: Floats) -> Floats:
    """Sum of distances over all pairs of ratings of any raters: shape (resamples,). In blocks, for many values."""
    values = ratings.scale.values
    out = np.zeros(len(totals))
    for start in range(0, len(values), _BLOCK_SIZE):
        block = slice(start, start + _BLOCK_SIZE)
        distances = _distance(ratings, values[:, None], values[None, block])
        out += ((totals @ distances) * totals[:, block]).sum(axis=1)
    return out


def _ordinal_disagreement(ratings: Ratings, weights: Floats, totals: Floats) -> tuple[Floats, Floats]:
    """Observed and expected disagreement. The distance of two categories depends on the number of ratings between
    them, so it differs between resamples."""
    middles = totals.cumsum(axis=1) - totals / 2
    observed, expected = np.zeros(len(totals)), np.zeros(len(totals))
    counts = ratings.category_counts.toarray()
    own = np.divide(
        counts,
        (ratings.raters_per_pattern - 1)[:, None],
        out=np.zeros_like(counts),
        where=ratings.raters_per_pattern[:, None] >= 2,
    )
    for category in range(ratings.categories):
        distances = (middles - middles[:, [category]]) ** 2
        weighted = weights @ (counts * own[:, [category]])
        observed += (weighted * distances).sum(axis=1)
        expected += (totals * totals[:, [category]] * distances).sum(axis=1)
    return observed, expected
