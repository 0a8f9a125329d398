"""Measures how many of the experts' reasons the answers of each judge give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from contract.base import digest
from contract.measures import Measures
from flows.measures.bca import Interval, bca_interval
from flows.measures.bootstrap import MAX_JACKKNIFE_PATTERNS
from flows.measures.libraries import Ints
from flows.measures.results import Comparison, Estimate
from flows.tables.ground_truth import belongs_to
from flows.tables.identity import natural_key
from flows.tables.scores import ScoreRow

EXPERTS = "experts"


def reason_comparisons(rows: Sequence[ScoreRow], spec: Measures) -> Iterator[Comparison]:
    """One comparison for each criterion and judge: the share of all expected reasons that its answers give.

    The interval draws records, not reasons: the reasons of one record are not independent of each other. Where
    `truth` says by which criteria people judged, their reasons are compared with answers on these alone.
    """
    criteria_scored = {row.criteria for row in rows}
    rows = [row for row in rows if spec.truth is None or belongs_to(spec, row.criteria, criteria_scored)]
    judges = sorted(
        {(row.criteria, row.judge) for row in rows}, key=lambda one: (natural_key(one[0]), natural_key(one[1]))
    )
    for criteria, judge in judges:
        own = sorted(
            (row for row in rows if (row.criteria, row.judge) == (criteria, judge) and row.expected),
            key=lambda row: natural_key(row.record_id),
        )
        if own:
            yield Comparison(
                kind="reasons", criteria=criteria, by="", group="", raters=(EXPERTS, judge), records=len(own),
                left_out=0, estimates=(_estimate(own, spec, [criteria, judge]),),
            )  # fmt: skip


def _estimate(rows: Sequence[ScoreRow], spec: Measures, identity: Sequence[str]) -> Estimate:
    found, expected = (np.array([getattr(row, name) for row in rows]) for name in ("found", "expected"))
    value = float(found.sum() / expected.sum())
    interval = _interval(found, expected, value, spec, identity)
    return Estimate.measured("reasons_found", value, interval.low, interval.high, interval.undefined)


def _interval(found: Ints, expected: Ints, value: float, spec: Measures, identity: Sequence[str]) -> Interval:
    if spec.resamples == 0:
        return Interval()
    if len(found) < 2:
        return Interval(undefined="only one record was scored")
    generator = np.random.default_rng(int(digest([spec.seed, "reasons", *identity]), 16))
    shares = np.array([_resampled_share(found, expected, generator) for _ in range(spec.resamples)])
    left_out = None
    if len(found) <= MAX_JACKKNIFE_PATTERNS:
        left_out = (found.sum() - found) / (expected.sum() - expected)
    return bca_interval(value, shares, left_out, np.ones(len(found), dtype=np.int64), spec.confidence)


def _resampled_share(found: Ints, expected: Ints, generator: np.random.Generator) -> float:
    drawn = generator.integers(len(found), size=len(found))
    return float(found[drawn].sum() / expected[drawn].sum())
