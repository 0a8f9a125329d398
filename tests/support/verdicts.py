"""Verdict rows for measures, from a few words: which rater gave which record which verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contract.measures import Measures
from flows.measures.compute import compute_measures
from flows.measures.results import Comparison, Estimate, MeasureResults
from flows.tables.verdict_row import VerdictRow


def row(record: str, model: str, verdict: str | None, truth: str | None = None, **more: Any) -> VerdictRow:
    """One verdict; None for a cell that failed."""
    fields: dict[str, Any] = {
        "record_id": record,
        "criteria": "",
        "model": model,
        "repeat": 0,
        "round": 0,
        "status": "completed" if verdict is not None else "failed",
        "verdict": verdict,
        "uncertainty": None,
        "truth": truth,
        "groups": {},
        "quality": None,
        "cell_id": f"{record} {model}",
        "variant_id": model,
        **more,
    }
    return VerdictRow(**fields)


def rows(
    verdicts_by_model: Mapping[str, Sequence[str | None]], truth: Sequence[str | None] | None = None
) -> list[VerdictRow]:
    """The rows of models' verdicts on the records 0, 1 …, with the ground truth of these records."""
    truths = truth if truth is not None else [None] * max(len(verdicts) for verdicts in verdicts_by_model.values())
    return [
        row(str(number), model, verdict, truths[number])
        for model, verdicts in verdicts_by_model.items()
        for number, verdict in enumerate(verdicts)
    ]


def people_rows(
    verdicts_by_person: Mapping[str, Sequence[str | None]], model: Sequence[str | None] | None = None, **more: Any
) -> list[VerdictRow]:
    """One model's rows on the records 0, 1 …, with what people said of these records."""
    number_of_records = max(len(verdicts) for verdicts in verdicts_by_person.values())
    people = [
        {name: given for name, verdicts in verdicts_by_person.items() if (given := verdicts[number]) is not None}
        for number in range(number_of_records)
    ]
    verdicts = model if model is not None else [next(iter(own.values()), "x") for own in people]
    return [row(str(number), "a model", verdicts[number], people=own, **more) for number, own in enumerate(people)]


def spec(**fields: Any) -> Measures:
    """Measures without intervals, unless `resamples` is given."""
    return Measures.model_validate({"verdicts": "judge", "resamples": 0, **fields})


def comparison(measured: MeasureResults, kind: str, *raters: str, criteria: str = "", group: str = "") -> Comparison:
    """The one comparison of that kind, of these raters where any are named."""
    [found] = [
        one
        for one in measured.comparisons
        if (one.kind, one.criteria, one.group) == (kind, criteria, group) and set(raters) <= set(one.raters)
    ]
    return found


def estimates(one: Comparison) -> dict[str, Estimate]:
    """Its estimates by the names of their measures."""
    return {estimate.measure: estimate for estimate in one.estimates}


def estimates_of_two_models(
    first: Sequence[str | None], second: Sequence[str | None], **fields: Any
) -> dict[str, Estimate]:
    """The measures of two models, by name."""
    return estimates(comparison(compute_measures(rows({"a": first, "b": second}), spec(**fields)), "models"))


def estimates_against_truth(
    truth: Sequence[str | None], verdicts: Sequence[str | None], **fields: Any
) -> dict[str, Estimate]:
    """The measures of one model against the ground truth, by name."""
    measures = spec(truth="label", **fields)
    return estimates(comparison(compute_measures(rows({"a": verdicts}, truth), measures), "truth"))
