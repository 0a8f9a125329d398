"""Ratings made up by hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from contract.flow import Level
from flows.measures.libraries import Floats, Ints
from flows.measures.ratings import MISSING, Ratings
from flows.measures.scale import Scale


@dataclass(frozen=True)
class RatingsCase:
    """Ratings with one resample of them, and that resample as records of their own."""

    ratings: Ratings
    weights: Floats
    """Shape (1, patterns)."""
    codes: Ints
    """Shape (records, raters): what the weights stand for."""


LABELS = ("0", "1", "2", "5", "9")


@st.composite
def ratings_cases(
    draw: st.DrawFn,
    raters: tuple[int, int] = (2, 5),
    missing: bool = True,
    level: Level = "nominal",
) -> RatingsCase:
    """Up to five categories, up to five raters; some patterns may have the weight 0."""
    number = draw(st.integers(*raters))
    least = MISSING if missing else 0
    row = st.lists(st.integers(least, len(LABELS) - 1), min_size=number, max_size=number)
    patterns = np.array(draw(st.lists(row, min_size=1, max_size=8, unique_by=tuple)), dtype=np.int64)
    drawn = draw(st.lists(st.integers(0, 6), min_size=len(patterns), max_size=len(patterns)))
    ratings = Ratings(patterns, np.ones(len(patterns), dtype=np.int64), Scale(level, LABELS))
    weights = np.array(drawn, dtype=np.int64)
    return RatingsCase(ratings, weights[None, :].astype(np.float64), np.repeat(patterns, weights, axis=0))


def counts(codes: Ints, categories: int = len(LABELS)) -> Ints:
    """How many raters chose each category, shape (records, categories)."""
    return (codes[:, :, None] == np.arange(categories)).sum(axis=1)
