"""Draws records by design: in each stratum a random sample, with the probability of every record kept.

Horvitz & Thompson 1952, "A generalization of sampling without replacement from a finite universe": only with these
probabilities can shares of the whole corpus be estimated from a sample that was not drawn evenly.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contract.base import canonical_json, digest
from contract.record import Record
from flows.coding.task import DrawnRecord, shown_record
from flows.tables.ground_truth import value_at_path

Allocation = Literal["proportional", "equal"]
NO_VALUE = "(none)"


@dataclass(frozen=True)
class Design:
    """How records are drawn."""

    size: int | None
    """How many; None for all of them."""
    seed: int = 0
    strata: tuple[str, ...] = ()
    """Fields of the metadata by which records are divided, and `models`."""
    allocate: Allocation = "proportional"
    """proportional: of each stratum the same share; equal: of each the same number, as far as it has so many."""


def draw(records: Iterable[Record], design: Design, models_part: Mapping[str, str] | None = None) -> list[DrawnRecord]:
    """The records drawn, in the order of their source.

    In each stratum those with the smallest digests of seed and id are taken, so that every set of that size is equally
    likely over the seeds. `models_part` says of each record whether the models of a run part on it. Raises ValueError
    where there are more strata than records to draw.
    """
    strata = strata_of(records, design.strata, models_part)
    sizes = {key: len(members) for key, members in strata.items()}
    taken = allocate(sizes, design.size, design.allocate)
    drawn = list[tuple[int, DrawnRecord]]()
    for key, members in strata.items():
        ranked = sorted(members, key=lambda one: digest([design.seed, one[1].record_id]))
        for place, record in ranked[: taken[key]]:
            probability = taken[key] / len(members)
            stratum: dict[str, str] = json.loads(key)
            one = DrawnRecord(record=shown_record(record), stratum=stratum, probability=probability)
            drawn.append((place, one))
    return [one for _, one in sorted(drawn, key=lambda each: each[0])]


def strata_of(
    records: Iterable[Record], fields: Sequence[str], models_part: Mapping[str, str] | None = None
) -> dict[str, list[tuple[int, Record]]]:
    """Each stratum, field -> value as JSON, with its records and their places in the source."""
    strata = dict[str, list[tuple[int, Record]]]()
    for place, record in enumerate(records):
        stratum = {name: _stratum_value(record, name, models_part) for name in fields}
        strata.setdefault(canonical_json(stratum), []).append((place, record))
    return strata


def _stratum_value(record: Record, name: str, models_part: Mapping[str, str] | None) -> str:
    if name == "models":
        return (models_part or {}).get(record.record_id, NO_VALUE)
    value = value_at_path(record.metadata, name.removeprefix("metadata."))
    return NO_VALUE if value is None else value if isinstance(value, str) else canonical_json(value)


def allocate(sizes: Mapping[str, int], size: int | None, how: Allocation) -> dict[str, int]:
    """Stratum -> how many of its records are drawn, `size` together, or all if there are fewer.

    At least one of each stratum is drawn, since no estimate is possible from none. Raises ValueError where `size` is
    less than the number of strata.
    """
    total = sum(sizes.values())
    if size is None or size >= total:
        return dict(sizes)
    if size < len(sizes):
        raise ValueError(f"{size:,} records cannot be drawn of {len(sizes):,} strata, at least one of each")
    share = {key: (size / len(sizes) if how == "equal" else size * count / total) for key, count in sizes.items()}
    taken = {key: max(1, min(sizes[key], int(share[key]))) for key in sizes}
    while sum(taken.values()) != size:
        missing = sum(taken.values()) < size
        # The stratum that is furthest below, or above, what it should have.
        open_keys = [key for key in sizes if (taken[key] < sizes[key] if missing else taken[key] > 1)]
        key = max(open_keys, key=lambda one: (share[one] - taken[one]) * (1 if missing else -1))
        taken[key] += 1 if missing else -1
    return taken


def strata_counts(records: Sequence[DrawnRecord]) -> Counter[str]:
    """Stratum in words -> records drawn of it."""
    return Counter(
        ", ".join(f"{name} {value}" for name, value in one.stratum.items()) or "all records" for one in records
    )
