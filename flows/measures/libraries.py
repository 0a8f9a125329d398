"""Typed functions for the measures that published libraries compute: scikit-learn, statsmodels, krippendorff.

None of them raises for data for which `flows/measures/catalogue.py` calls the measure defined.
"""

# These libraries have no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any, Literal, TypeAlias

import krippendorff
import numpy as np
from numpy.typing import NDArray
from sklearn import metrics
from statsmodels.stats import inter_rater

from contract.measures import Level

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]


def accuracy(truth: Ints, predicted: Ints, weights: Ints) -> float:
    """Share of weighted pairs that are the same, by scikit-learn. All three have the shape (pairs,)."""
    return float(metrics.accuracy_score(truth, predicted, sample_weight=weights))


def precision_recall_f1(truth: Ints, predicted: Ints, weights: Ints, positive: int) -> tuple[float, float, float]:
    """Precision, recall and F1 of one category, by scikit-learn; NaN where the denominator is 0."""
    found: Any = metrics.precision_recall_fscore_support(
        truth, predicted, labels=[positive], average=None, sample_weight=weights, zero_division=np.nan  # type: ignore[reportArgumentType]
    )  # fmt: skip
    return float(found[0][0]), float(found[1][0]), float(found[2][0])


def confusion_matrix(truth: Ints, predicted: Ints, weights: Ints, categories: int) -> Ints:
    """Truth (rows) x verdict (columns), by scikit-learn: shape (categories, categories)."""
    if categories == 1:
        # Scikit-learn would warn about a single category.
        return weights.sum().reshape(1, 1)
    return metrics.confusion_matrix(truth, predicted, labels=range(categories), sample_weight=weights)


def cohen_kappa(table: Ints) -> float:
    """Cohen's kappa (Cohen 1960) of a square table of two raters, by statsmodels."""
    return float(inter_rater.cohens_kappa(table, return_results=False))  # type: ignore[reportArgumentType]


def weighted_kappa(table: Ints, weights: Literal["linear", "quadratic"] = "linear") -> float:
    """Weighted kappa (Cohen 1968) of a square table in the scale's order, by statsmodels."""
    return float(inter_rater.cohens_kappa(table, wt=weights, return_results=False))  # type: ignore[reportArgumentType]


def fleiss_kappa(counts: Ints) -> float:
    """Fleiss' kappa (Fleiss 1971) by statsmodels; every row of `counts` (records, categories) has the same sum."""
    return float(inter_rater.fleiss_kappa(counts))


def krippendorff_alpha(counts: Ints, values: Floats, level: Level) -> float:
    """Krippendorff's alpha (Krippendorff 2011) by the package of that name.

    `counts` has the shape (records, categories), `values` (categories,) in the scale's order.
    """
    return float(krippendorff.alpha(value_counts=counts, value_domain=values, level_of_measurement=level))


def alpha_of_sets(counts: Ints, distances: Floats) -> float:
    """Krippendorff's alpha of sets by the package of that name, with the given distances of each two categories.

    `counts` has the shape (records, categories), `distances` (categories, categories).
    """

    def distance_of(*_: Any, i1: Ints, i2: Ints, dtype: Any = np.float64, **__: Any) -> Any:
        return distances[i1, i2].astype(dtype)

    level: Any = distance_of
    places = np.arange(len(distances))
    return float(krippendorff.alpha(value_counts=counts, value_domain=places, level_of_measurement=level))


@cache
def library_versions() -> str:
    """The libraries with their versions."""
    names = {"scikit-learn": "scikit-learn", "statsmodels": "statsmodels", "krippendorff": "krippendorff"}
    return ", ".join(
        f"{display_name} {version(name)}"
        for name, display_name in {**names, "numpy": "NumPy", "scipy": "SciPy"}.items()
    )
