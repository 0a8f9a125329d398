"""How the records that people coded came into their sample, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flows.report.words import as_int, join_list, pluralised

_MOST_GROUPS = 6
"""Probabilities that are listed one by one; of more, the lowest and the highest."""


def inclusion_sentence(gold: Mapping[str, Any]) -> str:
    """The sentence on the gold set that a manifest describes; empty where no probability is kept."""
    known: Any = gold.get("inclusion") or {}
    groups = cast("Sequence[Sequence[float]]", known.get("groups") or ())
    if not groups:
        return ""
    records, unknown = sum(int(count) for _, count in groups), as_int(known.get("unknown"))
    of_others = (
        f" Of {pluralised(unknown, 'further record')} it is not known how {'it' if unknown == 1 else 'they'} came into "
        "the sample."
        if unknown
        else ""
    )
    if [probability for probability, _ in groups] == [1]:
        return f"The {pluralised(records, 'record')} that people coded are all that there were to draw from.{of_others}"
    drawn = f"The {pluralised(records, 'record')} that people coded were drawn at random"
    kept = "kept with each decision"
    if len(groups) == 1:
        return f"{drawn}, each with the same inclusion probability of {_number(groups[0][0])}, {kept}.{of_others}"
    listed = join_list([f"{_number(one)} ({pluralised(int(count), 'record')})" for one, count in groups])
    span = f"from {_number(groups[0][0])} to {_number(groups[-1][0])}"
    probabilities = f"of {listed}" if len(groups) <= _MOST_GROUPS else span
    weighted = "shares of the whole need each record weighted by the inverse of its own"
    return f"{drawn} in strata, with inclusion probabilities {probabilities}, {kept}; {weighted}.{of_others}"


def _number(probability: float) -> str:
    return f"{probability:.3g}"
