"""Ratings: the labels that several raters gave to records, as distinct patterns with the number of records of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse  # type: ignore[reportMissingTypeStubs]

from flows.measures.libraries import Floats, Ints
from flows.measures.scale import Scale

MISSING = -1


@dataclass(frozen=True)
class Ratings:
    """Patterns of ratings. Resampling records means resampling the number of records with each pattern."""

    codes: Ints
    """Shape (patterns, raters): the number of the category, or MISSING."""
    record_counts: Ints
    """Shape (patterns,): the number of records with it."""
    scale: Scale

    @classmethod
    def from_codes(cls, codes: Ints, scale: Scale, *, raters_differ: bool = True) -> Ratings:
        """The patterns of `codes`, shape (records, raters). Without `raters_differ`, raters are interchangeable."""
        patterns_of_codes = codes if raters_differ else np.sort(codes, axis=1)
        patterns, records = np.unique(patterns_of_codes, axis=0, return_counts=True)
        return cls(patterns.astype(np.int64), records.astype(np.int64), scale)

    @property
    def categories(self) -> int:
        """How many categories the scale has."""
        return len(self.scale.labels)

    @cached_property
    def raters_per_pattern(self) -> Ints:
        """Shape (patterns,): the number of raters who rated it."""
        return (self.codes != MISSING).sum(axis=1)

    @property
    def pairable_records(self) -> int:
        """Records that at least two raters judged."""
        return int(self.record_counts[self.raters_per_pattern >= 2].sum())

    @property
    def used_categories(self) -> int:
        """How many different categories occur."""
        return len(np.unique(self.codes[self.codes != MISSING]))

    @cached_property
    def category_counts(self) -> Any:
        """Sparse matrix (patterns, categories): how many raters chose each."""
        patterns, raters = np.nonzero(self.codes != MISSING)
        return _indicator_matrix(patterns, self.codes[patterns, raters], (len(self.codes), self.categories))

    def chosen_by(self, rater: int) -> Any:
        """Sparse matrix (patterns, categories): 1 where that rater chose the category."""
        [patterns] = np.nonzero(self.codes[:, rater] != MISSING)
        return _indicator_matrix(patterns, self.codes[patterns, rater], (len(self.codes), self.categories))

    def counts_by_record(self) -> Ints:
        """Dense counts (records, categories), for libraries that need a row for every record."""
        return np.repeat(self.category_counts.toarray().astype(np.int64), self.record_counts, axis=0)

    def contingency_table(self) -> Ints:
        """Square table (categories, categories) of the first two raters."""
        table = np.zeros((self.categories, self.categories), dtype=np.int64)
        both = (self.codes[:, :2] != MISSING).all(axis=1)
        np.add.at(table, (self.codes[both, 0], self.codes[both, 1]), self.record_counts[both])
        return table


def _indicator_matrix(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)  # type: ignore[reportUnknownMemberType]


def weighted_sums(weights: Floats, matrix: Any) -> Floats:
    """`weights` (resamples, patterns) times a sparse matrix (patterns, columns): shape (resamples, columns)."""
    return np.asarray((matrix.T @ weights.T).T)
