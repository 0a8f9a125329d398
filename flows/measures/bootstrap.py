"""Computes percentile intervals by the bootstrap: as many records as there are, drawn with replacement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from contract.base import JsonValue, digest
from contract.flow import Measures
from flows.measures.catalogue import Measure
from flows.measures.libraries import Floats
from flows.measures.ratings import Ratings

MAX_UNDEFINED_SHARE = 0.05
"""The largest share of resamples without a value for which an interval is still given."""
_MAX_BLOCK_NUMBERS = 2_000_000


@dataclass(frozen=True)
class Interval:
    """Bounds, or the reason why there are none; neither where no interval was asked for."""

    low: float | None = None
    high: float | None = None
    undefined: str | None = None


def bootstrap_intervals(
    ratings: Ratings, measures: Sequence[Measure], spec: Measures, identity: Sequence[JsonValue]
) -> list[Interval]:
    """One interval for each measure, all from the same resamples (Efron & Tibshirani 1993, ch. 13).

    The resamples depend on `spec.seed` and `identity`, the names of what is compared: other comparisons do not change
    them. Resamples in which a measure is undefined are left out; where their share is more than MAX_UNDEFINED_SHARE,
    there is no interval.
    """
    if spec.resamples == 0 or not measures:
        return [Interval()] * len(measures)
    blocks = [
        [measure.resampled(ratings, weights) for measure in measures] for weights in _resamples(ratings, spec, identity)
    ]
    return [_percentile_interval(np.concatenate(values), spec.confidence) for values in zip(*blocks, strict=True)]


def _resamples(ratings: Ratings, spec: Measures, identity: Sequence[JsonValue]) -> Iterator[Floats]:
    """The number of records with each pattern, for each resample, shape (resamples, patterns); a block at a time."""
    generator = np.random.default_rng(int(digest([spec.seed, *identity]), 16))
    total = int(ratings.record_counts.sum())
    at_once = max(1, _MAX_BLOCK_NUMBERS // max(len(ratings.record_counts), ratings.categories))
    for start in range(0, spec.resamples, at_once):
        drawn = min(at_once, spec.resamples - start)
        yield generator.multinomial(total, ratings.record_counts / total, size=drawn).astype(np.float64)


def _percentile_interval(values: Floats, confidence: float) -> Interval:
    undefined = np.isnan(values)
    if undefined.mean() > MAX_UNDEFINED_SHARE:
        return Interval(undefined=f"undefined in {undefined.mean():.0%} of the resamples")
    tail = 50 * (1 - confidence)
    low, high = np.percentile(values[~undefined], [tail, 100 - tail])
    return Interval(float(low), float(high))
