"""Events for automations. deployments/automations/ holds an example for each.

How a run ends is Prefect's own event of its state: `prefect.flow-run.Failed`, `.Crashed`, and our `.Incomplete`,
`.BudgetReached` and `.NotSaved`; a run that waits for a person is `.Paused`. No state says that raters agree less than
`measures.alert_below`, so that is an event of ours: `buttermilk.run.agreement_low`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flows.spec.study import Study

if TYPE_CHECKING:
    from flows.measures.results import MeasureResults
    from flows.run_folder.outcome import Outcome

_AGREEMENT = "krippendorff_alpha"
_MAX_COMPARISONS = 20


def emit_outcome(study: Study, outcome: Outcome) -> None:
    """Emits the event of a run that ended in which raters agree too little."""
    if outcome.derived and outcome.derived.measured and (low := low_agreement(study, outcome.derived.measured)):
        totals = outcome.totals
        common = {"run": outcome.folder.name, "cells": dict(totals.cells), "cost_usd": str(totals.cost_usd)}
        _emit("agreement_low", study, {**common, "comparisons": low[:_MAX_COMPARISONS], "comparisons_in_all": len(low)})


def low_agreement(study: Study, measured: MeasureResults) -> Sequence[Mapping[str, Any]]:
    """The comparisons whose agreement beyond chance is below the study's threshold; none where it has none."""
    spec = study.flow.measures
    return list(_comparisons_below(measured, spec.alert_below)) if spec and spec.alert_below is not None else []


def _comparisons_below(measured: MeasureResults, threshold: float) -> Iterator[Mapping[str, Any]]:
    for one in measured.comparisons:
        if one.by or one.kind not in ("truth", "all_models"):
            continue
        value = next((estimate.value for estimate in one.estimates if estimate.measure == _AGREEMENT), None)
        if value is not None and value < threshold:
            yield {
                "criteria": one.criteria, "raters": list(one.raters), "records": one.records,
                _AGREEMENT: round(value, 4), "alert_below": threshold,
            }  # fmt: skip


def _emit(name: str, study: Study, payload: Mapping[str, Any]) -> None:
    from prefect.events import emit_event

    flow = study.flow.name
    resource = {"prefect.resource.id": f"buttermilk.flow.{flow}", "prefect.resource.name": flow}
    emit_event(f"buttermilk.run.{name}", resource, payload={"flow": flow, **payload})
