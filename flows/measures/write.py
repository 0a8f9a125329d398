"""Writes `measures.csv`, one row an estimate, and `confusion.csv`, one row a pair of truth and verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flows.measures.results import Comparison, MeasureResults
from flows.tables.csv_text import write_csv
from flows.tables.flatten import Scalar

_COMPARISON_COLUMNS = ("kind", "criteria", "by", "group", "raters")
MEASURE_COLUMNS = (
    *_COMPARISON_COLUMNS,
    "records",
    "left_out",
    "off_scale",
    "measure",
    "value",
    "low",
    "high",
    "undefined",
)
CONFUSION_COLUMNS = (*_COMPARISON_COLUMNS, "truth", "verdict", "records")


def write_measures(folder: Path, measured: MeasureResults) -> None:
    """Writes both tables into the folder, each whole or not at all.

    `undefined` is the reason why there is no value, or why there is a value but no interval. Numbers have twelve
    significant digits, since the last digits of a float differ between processors.
    """
    write_csv(
        folder / "measures.csv", MEASURE_COLUMNS, (row for one in measured.comparisons for row in _estimate_rows(one))
    )
    write_csv(
        folder / "confusion.csv",
        CONFUSION_COLUMNS,
        (row for one in measured.comparisons for row in _confusion_rows(one)),
    )


def _estimate_rows(one: Comparison) -> Iterator[list[Scalar]]:
    for estimate in one.estimates:
        numbers = (_round_significant(number) for number in (estimate.value, estimate.low, estimate.high))
        why = estimate.undefined or (estimate.interval_undefined and f"no interval: {estimate.interval_undefined}")
        yield [
            *_comparison_cells(one), one.records, one.left_out, one.off_scale, estimate.measure, *numbers, why,
        ]  # fmt: skip


def _confusion_rows(one: Comparison) -> Iterator[list[Scalar]]:
    for truth, counts in (one.confusion or {}).items():
        for verdict, records in counts.items():
            yield [*_comparison_cells(one), truth, verdict, records]


def _comparison_cells(one: Comparison) -> list[Scalar]:
    return [one.kind, one.criteria, one.by, one.group, " × ".join(one.raters)]


def _round_significant(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.12g}")
