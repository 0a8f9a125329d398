"""How often an interval of 95 % holds the true value: BCa as `flows.measures` computes it, and percentiles beside it.

    BUTTERMILK_STUDIES=2000 uv run pytest -s tests/benchmarks/test_coverage.py

Two raters judge records with three verdicts; each gives the true one with a known probability. From the probabilities
of all patterns of ratings the true agreement is known. The figures are in docs/architecture.md.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest

from flows.measures import catalogue
from flows.measures.bootstrap import bootstrap_intervals
from flows.measures.catalogue import Measure
from flows.measures.libraries import Floats, Ints
from flows.measures.ratings import Ratings
from flows.measures.scale import Scale
from tests.support.verdicts import spec

STUDIES = int(os.environ.get("BUTTERMILK_STUDIES", "150"))
MEASURES = (
    catalogue.PERCENT_AGREEMENT,
    catalogue.COHEN_KAPPA,
    catalogue.KRIPPENDORFF_ALPHA,
    catalogue.GWET_AC1,
)
SHARES = (0.6, 0.25, 0.15)
SCALE = Scale("nominal", ("a", "b", "c"))


@dataclass
class Coverage:
    """How many studies had an interval, and how many of these intervals held the true value."""

    given: int = 0
    bca: int = 0
    percentile: int = 0


def population(accuracies: Sequence[float]) -> tuple[Ints, Floats]:
    """Every pattern of ratings, and its probability."""
    patterns = np.array(list(product(range(len(SHARES)), repeat=len(accuracies))))
    probabilities = np.zeros(len(patterns))
    for truth, share in enumerate(SHARES):
        each = np.full(len(patterns), share)
        for rater, accuracy in enumerate(accuracies):
            each *= np.where(patterns[:, rater] == truth, accuracy, (1 - accuracy) / (len(SHARES) - 1))
        probabilities += each
    return patterns, probabilities


def coverage(records: int, accuracies: Sequence[float], measures: Sequence[Measure]) -> dict[str, Coverage]:
    """The coverage of each measure over `STUDIES` studies of that many records."""
    patterns, probabilities = population(accuracies)
    whole = Ratings(patterns, np.ones(len(patterns), dtype=np.int64), SCALE)
    true_values = {one.name: float(one.resampled(whole, probabilities[None, :] * 1e9)[0]) for one in measures}
    found = {one.name: Coverage() for one in measures}
    generator = np.random.default_rng(11)
    for study in range(STUDIES):
        drawn = generator.multinomial(records, probabilities)
        ratings = Ratings(patterns[drawn > 0], drawn[drawn > 0], SCALE)
        resamples = generator.multinomial(records, ratings.record_counts / records, size=500).astype(np.float64)
        intervals = bootstrap_intervals(ratings, measures, spec(resamples=500, seed=study), ["coverage"])
        for measure, interval in zip(measures, intervals, strict=True):
            if interval.low is None or interval.high is None:
                continue
            low, high = np.nanpercentile(measure.resampled(ratings, resamples), [2.5, 97.5])
            one, true_value = found[measure.name], true_values[measure.name]
            one.given += 1
            one.bca += interval.low <= true_value <= interval.high
            one.percentile += low <= true_value <= high
    return found


@pytest.mark.parametrize("accuracies", [(0.7, 0.7), (0.85, 0.8), (0.95, 0.92)])
def test_an_interval_of_95_percent_holds_the_true_agreement_about_as_often(accuracies: tuple[float, float]) -> None:
    for name, one in coverage(50, accuracies, MEASURES).items():
        held, before = one.bca / one.given, one.percentile / one.given
        print(f"{accuracies} {name}: BCa {held:.1%}, percentile {before:.1%}, {one.given} of {STUDIES} studies")
        assert held >= 0.90, (name, held)
