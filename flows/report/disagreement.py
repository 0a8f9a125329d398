"""Measures how far the verdicts on a record differ, and ranks the records by it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

from flows.tables.identity import natural_key
from flows.tables.verdict_row import VerdictRow

_UNCERTAINTY_SCORES = {"low": 0, "medium": 1, "high": 2}


@dataclass(frozen=True)
class Disagreement:
    """Verdicts on one record by one criterion that are not all the same."""

    record_id: str
    criteria: str
    entropy: float
    """Of the verdicts over models and repeats, in bits: 0 when all agree, 1 when two halves disagree."""
    mean_uncertainty: float
    """Mean uncertainty of the judges, 0 (low) to 2 (high)."""
    rows: tuple[VerdictRow, ...]


def entropy(verdicts: Iterable[str]) -> float:
    """Shannon entropy in bits of the shares of the verdicts; 0 for none."""
    counts = Counter(verdicts)
    total = sum(counts.values())
    bits = -sum(count / total * log2(count / total) for count in sorted(counts.values()))
    return round(max(bits, 0.0), 6)


def entropy_by_record(rows: Sequence[VerdictRow]) -> dict[tuple[str, str], float]:
    """(Record, criterion) -> entropy of the verdicts."""
    verdicts_by_key = defaultdict[tuple[str, str], list[str]](list)
    for row in rows:
        if row.verdict is not None:
            verdicts_by_key[row.record_id, row.criteria].append(row.verdict)
    return {key: entropy(verdicts) for key, verdicts in verdicts_by_key.items()}


def rank_disagreements(rows: Sequence[VerdictRow]) -> list[Disagreement]:
    """Where verdicts differ: highest entropy first, then the judges' uncertainty, then the record's id."""
    entropies = {key: bits for key, bits in entropy_by_record(rows).items() if bits > 0}
    rows_by_key = defaultdict[tuple[str, str], list[VerdictRow]](list)
    for row in rows:
        if (row.record_id, row.criteria) in entropies and row.verdict is not None:
            rows_by_key[row.record_id, row.criteria].append(row)
    found = [
        Disagreement(
            record, criteria, entropies[record, criteria], _mean_uncertainty(own), tuple(sorted(own, key=_rater_key))
        )
        for (record, criteria), own in rows_by_key.items()
    ]
    return sorted(
        found, key=lambda one: (-one.entropy, -one.mean_uncertainty, natural_key(one.record_id), one.criteria)
    )


def are_graded(disagreements: Sequence[Disagreement]) -> bool:
    """Whether entropy can tell one disagreement from another: two verdicts that differ always have 1 bit."""
    return any(len(one.rows) > 2 for one in disagreements)


def _rater_key(row: VerdictRow) -> tuple[str, int]:
    return row.model, row.repeat


def _mean_uncertainty(rows: Sequence[VerdictRow]) -> float:
    known = [_UNCERTAINTY_SCORES[row.uncertainty] for row in rows if row.uncertainty in _UNCERTAINTY_SCORES]
    return round(sum(known) / len(known), 6) if known else 0.0
