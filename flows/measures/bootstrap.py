"""Computes intervals by the bootstrap: as many records as there are, drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from contract.base import JsonValue, digest
from contract.measures import Measures
from flows.measures.bca import Interval, bca_interval
from flows.measures.catalogue import Measure
from flows.measures.libraries import Floats
from flows.measures.ratings import Ratings

MAX_JACKKNIFE_PATTERNS = 1000
"""The most patterns of ratings for which each is left out once. Beyond it the acceleration is taken as 0: it falls with
the root of the number of records, and would cost more than the resamples."""
_MAX_BLOCK_NUMBERS = 2_000_000


def bootstrap_intervals(
    ratings: Ratings, measures: Sequence[Measure], spec: Measures, identity: Sequence[JsonValue]
) -> list[Interval]:
    """One BCa interval for each measure, all from the same resamples.

    The resamples depend on `spec.seed` and `identity`, the names of what is compared: other comparisons do not change
    them.
    """
    if spec.resamples == 0 or not measures:
        return [Interval()] * len(measures)
    whole = ratings.record_counts[None, :].astype(np.float64)
    left_out = _left_out(ratings)
    drawn = _values(ratings, measures, _resamples(ratings, spec, identity))
    return [
        bca_interval(
            float(measure.resampled(ratings, whole)[0]),
            values,
            measure.resampled(ratings, left_out) if left_out is not None else None,
            ratings.record_counts,
            spec.confidence,
        )
        for measure, values in zip(measures, drawn, strict=True)
    ]


def _values(ratings: Ratings, measures: Sequence[Measure], blocks: Iterator[Floats]) -> list[Floats]:
    found = [[measure.resampled(ratings, weights) for measure in measures] for weights in blocks]
    return [np.concatenate(values) for values in zip(*found, strict=True)]


def _resamples(ratings: Ratings, spec: Measures, identity: Sequence[JsonValue]) -> Iterator[Floats]:
    """The number of records with each pattern, for each resample, shape (resamples, patterns); a block at a time."""
    generator = np.random.default_rng(int(digest([spec.seed, *identity]), 16))
    total = int(ratings.record_counts.sum())
    at_once = max(1, _MAX_BLOCK_NUMBERS // max(len(ratings.record_counts), ratings.categories))
    for start in range(0, spec.resamples, at_once):
        drawn = min(at_once, spec.resamples - start)
        yield generator.multinomial(total, ratings.record_counts / total, size=drawn).astype(np.float64)


def _left_out(ratings: Ratings) -> Floats | None:
    """The data without one record of each pattern, shape (patterns, patterns); None where there are too many."""
    patterns = len(ratings.record_counts)
    if patterns > MAX_JACKKNIFE_PATTERNS:
        return None
    return ratings.record_counts[None, :].astype(np.float64) - np.eye(patterns)
