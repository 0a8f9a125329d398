"""Summarises a study: for each criterion and model its verdicts, its cells without one, and its accuracy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from contract.messages import CellStatus
from flows.measures.results import Comparison, Estimate, MeasureResults
from flows.tables.identity import natural_key
from flows.tables.verdict_row import VerdictRow


@dataclass(frozen=True)
class SummaryRow:
    """One model on one criterion, over all records and repeats."""

    criteria: str
    model: str
    verdicts: Mapping[str, int]
    """Verdict -> cells, the most frequent first."""
    without_verdict: Mapping[CellStatus, int]
    """Status -> number of cells without a verdict; `completed` is an answer that names no verdict."""
    records: int | None
    """Records with both a verdict and a ground truth; None where the study has no ground truth."""
    accuracy: Estimate | None
    """With the ground truth; None where the study has none."""
    cohen_kappa: Estimate | None
    """With the ground truth; None where the study has none."""
    reasons_found: Estimate | None = None
    """The share of the experts' reasons in its answers; None where none were scored."""


def summarise_verdicts(rows: Sequence[VerdictRow], measured: MeasureResults) -> list[SummaryRow]:
    """One row for each criterion and model, in the order of their names."""
    judges = sorted(
        {(row.criteria, row.model) for row in rows}, key=lambda one: (natural_key(one[0]), natural_key(one[1]))
    )
    truth_comparisons = {
        (one.criteria, one.raters[1]): one for one in measured.comparisons if one.kind == "truth" and not one.by
    }
    scored = {(one.criteria, one.raters[1]): one.estimates[0] for one in measured.comparisons if one.kind == "reasons"}
    return [
        replace(
            _summary_row(rows, judge, truth_comparisons.get(judge)),
            reasons_found=scored.get((judge[0], judge[1].partition(", ")[0])),
        )
        for judge in judges
    ]


def _summary_row(rows: Sequence[VerdictRow], judge: tuple[str, str], truth_comparison: Comparison | None) -> SummaryRow:
    own = [row for row in rows if (row.criteria, row.model) == judge]
    verdict_counts = Counter(row.verdict for row in own if row.verdict is not None)
    estimates = {one.measure: one for one in truth_comparison.estimates} if truth_comparison else {}
    return SummaryRow(
        criteria=judge[0],
        model=judge[1],
        verdicts=dict(sorted(verdict_counts.items(), key=lambda item: (-item[1], natural_key(item[0])))),
        without_verdict=Counter(row.status for row in own if row.verdict is None),
        records=truth_comparison.records if truth_comparison else None,
        accuracy=estimates.get("accuracy"),
        cohen_kappa=estimates.get("cohen_kappa"),
    )
