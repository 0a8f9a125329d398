"""Maps verdicts to numbered categories, in the order and with the distances of their level of measurement."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from contract.codebook import Variable
from contract.measures import Level, Measures
from flows.measures.libraries import Floats
from flows.tables.identity import natural_key


@dataclass(frozen=True)
class Scale:
    """The categories of one comparison."""

    level: Level
    labels: tuple[str, ...]
    """Categories by their number: for nominal verdicts those that occur, sorted; for ordinal ones `measures.order`;
    for interval and ratio ones the numbers that occur, from least to most."""

    sets: tuple[frozenset[str], ...] = ()
    """For answers of which each is a set of options: the set that each category is."""

    weights: Literal["linear", "quadratic"] = "linear"
    """How agreement falls with the distance of two verdicts in the order."""

    @cached_property
    def codes(self) -> Mapping[str, int]:
        """Label -> number of its category."""
        return {label: code for code, label in enumerate(self.labels)}

    @cached_property
    def agreement_weights(self) -> Floats:
        """1 for the same category, less with the distance, 0 for the two ends: shape (categories, categories).

        Linear after Cicchetti & Allison 1971, quadratic after Fleiss & Cohen 1973.
        """
        span = max(float(self.values[-1] - self.values[0]), 1e-300) if len(self.labels) else 1.0
        distance = np.abs(self.values[:, None] - self.values[None, :]) / span
        return 1 - (distance if self.weights == "linear" else distance**2)

    @cached_property
    def set_distances(self) -> Floats:
        """MASI distance of each two sets, 0 to 1: shape (categories, categories).

        Passonneau 2006, "Measuring Agreement on Set-valued Items (MASI)", LREC: one minus Jaccard's index times 1 for
        equal sets, 2/3 where one is part of the other, 1/3 where they overlap, 0 where they share nothing.
        """
        return np.array([[_masi_distance(one, other) for other in self.sets] for one in self.sets])

    @cached_property
    def values(self) -> Floats:
        """Values for distances, shape (categories,): the numbers themselves, or places in the order."""
        if self.level in ("interval", "ratio"):
            return np.array([float(label) for label in self.labels])
        return np.arange(len(self.labels), dtype=np.float64)


def _masi_distance(one: frozenset[str], other: frozenset[str]) -> float:
    if one == other:
        return 0.0
    shared = one & other
    monotonicity = 2 / 3 if one <= other or other <= one else 1 / 3
    return 1 - monotonicity * len(shared) / len(one | other) if shared else 1.0


def build_scale(verdicts: Iterable[str], measures: Measures, sets: Variable | None = None) -> Scale:
    """The scale of these verdicts, which must all be labels from `scale_label`.

    `sets` is the variable whose answers are sets of options.
    """
    if sets is not None:
        labels = tuple(sorted(set(verdicts), key=natural_key))
        return Scale("nominal", labels, tuple(map(sets.members, labels)))
    if measures.level == "ordinal":
        return Scale("ordinal", measures.order, weights=measures.weights)
    found = sorted(set(verdicts), key=float if measures.level in ("interval", "ratio") else natural_key)
    return Scale(measures.level, tuple(found), weights=measures.weights)


def scale_label(verdict: str, measures: Measures) -> str | None:
    """The verdict as a category's label; None where it is not on the scale.

    Ordinal verdicts must be in `measures.order`, interval ones numbers, ratio ones numbers from 0; equal numbers
    (`1`, `1.0`) are one category.
    """
    if measures.level == "nominal":
        return verdict
    if measures.level == "ordinal":
        return verdict if verdict in measures.order else None
    try:
        number = float(verdict)
    except ValueError:
        return None
    if not math.isfinite(number) or (measures.level == "ratio" and number < 0):
        return None
    return str(int(number)) if number.is_integer() else repr(number)
