"""Events: emits the Prefect events on which automations can act. deployments/automations/ holds an example for each.

| event | when |
|---|---|
| `buttermilk.run.failed` | a run broke off, or ended with cells that have no output |
| `buttermilk.run.over_budget` | cells were not asked, to keep within the budget |
| `buttermilk.run.agreement_low` | raters agree less than `measures.alert_below` |

A run that is stuck emits no event; Prefect notices it by itself.
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
    """Emits the events of the table that apply to a run that ended."""
    totals = outcome.totals
    common = {"run": outcome.folder.name, "cells": dict(totals.cells), "cost_usd": str(totals.cost_usd)}
    if unasked := totals.cells["over_budget"]:
        _emit("over_budget", study, {**common, "cells_not_asked": unasked, "budget_usd": str(study.run.budget)})
    elif totals.cells_without_output:
        _emit("failed", study, {**common, "why": "Incomplete", "cells_without_output": totals.cells_without_output})
    if outcome.derived and outcome.derived.measured and (low := low_agreement(study, outcome.derived.measured)):
        _emit("agreement_low", study, {**common, "comparisons": low[:_MAX_COMPARISONS], "comparisons_in_all": len(low)})


def emit_failure(study: Study, error: BaseException) -> None:
    """Emits that a run broke off. Names only the class of the error, since its text may hold confidential data."""
    _emit("failed", study, {"why": type(error).__name__})


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
