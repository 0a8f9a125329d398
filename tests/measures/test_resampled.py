"""Measures computed for many resamples at once are, for each resample, those of the libraries for its records."""

from __future__ import annotations

# Scikit-learn has no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from sklearn import metrics

from contract.measures import Level
from flows.measures import catalogue, libraries, resampled
from flows.measures.libraries import Ints
from tests.measures.strategies import LABELS, RatingsCase, counts, ratings_cases

EXACT = 1e-9


def same(ours: float, theirs: float) -> bool:
    return (math.isnan(ours) and math.isnan(theirs)) or math.isclose(ours, theirs, abs_tol=EXACT)


def table(codes: Ints) -> Ints:
    return metrics.confusion_matrix(codes[:, 0], codes[:, 1], labels=range(len(LABELS)))


def one_category(codes: Ints) -> bool:
    return len(np.unique(codes[codes >= 0])) < 2


@settings(max_examples=200, deadline=None)
@given(ratings_cases(raters=(2, 2), missing=False))
def test_cohen_is_that_of_statsmodels_and_scikit_learn(one: RatingsCase) -> None:
    ours = float(resampled.cohen_kappa(one.ratings, one.weights)[0])
    if not len(one.codes) or one_category(one.codes):
        assert math.isnan(ours)
        return
    assert same(ours, libraries.cohen_kappa(table(one.codes)))
    assert same(ours, float(metrics.cohen_kappa_score(one.codes[:, 0], one.codes[:, 1])))


@settings(max_examples=200, deadline=None)
@given(ratings_cases(raters=(2, 2), missing=False, level="ordinal"))
def test_weighted_kappa_is_that_of_statsmodels_and_scikit_learn(one: RatingsCase) -> None:
    ours = float(resampled.weighted_kappa(one.ratings, one.weights)[0])
    if not len(one.codes) or one_category(one.codes):
        assert math.isnan(ours)
        return
    first, second = one.codes[:, 0], one.codes[:, 1]
    labels = list(range(len(LABELS)))
    assert same(ours, libraries.weighted_kappa(table(one.codes)))
    assert same(ours, float(metrics.cohen_kappa_score(first, second, labels=labels, weights="linear")))


@settings(max_examples=200, deadline=None)
@given(ratings_cases(raters=(2, 2), missing=False))
def test_correctness_is_that_of_scikit_learn(one: RatingsCase) -> None:
    if not len(one.codes):
        return
    truth, model = one.codes[:, 0], one.codes[:, 1]
    theirs: Any = metrics.precision_recall_fscore_support(truth, model, labels=[2], average=None, zero_division=np.nan)  # type: ignore[reportArgumentType]
    ours = [measure.resampled(one.ratings, one.weights)[0] for measure in catalogue.positive_class_measures("2")]
    assert all(same(float(a), float(b[0])) for a, b in zip(ours, theirs[:3], strict=True))
    assert same(float(resampled.accuracy(one.ratings, one.weights)[0]), float(metrics.accuracy_score(truth, model)))


@settings(max_examples=200, deadline=None)
@given(ratings_cases(missing=False))
def test_fleiss_is_that_of_statsmodels(one: RatingsCase) -> None:
    ours = float(resampled.fleiss_kappa(one.ratings, one.weights)[0])
    if not len(one.codes) or one_category(one.codes):
        assert math.isnan(ours)
        return
    assert same(ours, libraries.fleiss_kappa(counts(one.codes)))


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_is_that_of_krippendorff(level: Level) -> None:
    @settings(max_examples=200, deadline=None)
    @given(ratings_cases(level=level))
    def check(one: RatingsCase) -> None:
        ours = float(resampled.krippendorff_alpha(one.ratings, one.weights)[0])
        counted = counts(one.codes)
        pairable = counted[counted.sum(axis=1) >= 2]
        if not len(pairable) or (pairable.sum(axis=0) > 0).sum() < 2:
            assert math.isnan(ours)
            return
        assert same(ours, libraries.krippendorff_alpha(counted, one.ratings.scale.values, level))

    check()


def _naive_ac1(codes: Ints, categories: int) -> float:
    """Gwet's formula as it is printed, record by record."""
    rated = [[int(code) for code in row if code >= 0] for row in codes]
    agreeing = [
        sum(a == b for i, a in enumerate(row) for j, b in enumerate(row) if i != j) / (len(row) * (len(row) - 1))
        for row in rated
        if len(row) >= 2
    ]
    judged = [row for row in rated if row]
    if not agreeing:
        return math.nan
    observed = sum(agreeing) / len(agreeing)
    shares = [sum(row.count(code) / len(row) for row in judged) / len(judged) for code in range(categories)]
    expected = sum(share * (1 - share) for share in shares) / (categories - 1)
    return (observed - expected) / (1 - expected)


@settings(max_examples=200, deadline=None)
@given(ratings_cases())
def test_ac1_is_as_gwet_prints_it(one: RatingsCase) -> None:
    ours = float(resampled.gwet_ac1(one.ratings, one.weights)[0])
    assert same(ours, _naive_ac1(one.codes, len(LABELS)))


@settings(max_examples=200, deadline=None)
@given(ratings_cases())
def test_all_measures_of_many_resamples_are_those_of_each(one: RatingsCase) -> None:
    other = np.roll(one.weights, 1, axis=1)
    both = np.concatenate([one.weights, other])
    for measure in (
        catalogue.PERCENT_AGREEMENT,
        catalogue.FLEISS_KAPPA,
        catalogue.KRIPPENDORFF_ALPHA,
        catalogue.GWET_AC1,
    ):
        at_once = measure.resampled(one.ratings, both)
        one_by_one = [float(measure.resampled(one.ratings, weights)[0]) for weights in (one.weights, other)]
        assert all(same(float(a), b) for a, b in zip(at_once, one_by_one, strict=True))
