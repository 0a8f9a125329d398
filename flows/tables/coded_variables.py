"""The variables of codebooks, each a criterion of its own in tables and measures: `framing.tone`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from contract.base import JsonValue
from contract.codebook import Variable, codebook_of, variable_name
from contract.flow import FlowSpec
from contract.measures import Measures
from flows.spec.nodes import steps_of
from flows.tables.identity import criterion_key
from flows.tables.verdict_row import VerdictRow

IN_WORDS = "in words"
"""What is shown in the place of an answer in words where verdicts are counted."""


@dataclass(frozen=True)
class JudgedCriterion:
    """A criterion by which verdicts are given, or one variable of its codebook."""

    named: str
    """The criterion as the step names it."""
    verdicts: tuple[str, ...]
    """What a judge may say; empty where it may be anything, or is not known."""
    variable: Variable | None = None


LookUp = Callable[[str], tuple[Sequence[str], Sequence[Variable] | None]]
"""A criterion as a step names it -> its verdicts, and the variables of its codebook; None where it has none."""


def judged_criteria(spec: FlowSpec, measures: Measures) -> dict[str, str]:
    """The criteria by which verdicts are given: name in tables -> as the step names it; one of no name if none."""
    step = steps_of(spec).get(measures.verdicts)
    named: Any = (step.variants.get("criteria") or step.parameters.get("criteria")) if step else None
    values = list(cast("list[JsonValue]", named)) if isinstance(named, list | tuple) else [named] if named else []
    return {criterion_key(value): str(value) for value in values} or {"": ""}


def judged_variables(spec: FlowSpec, measures: Measures, look_up: LookUp) -> dict[str, JudgedCriterion]:
    """Name in tables -> what is judged; a criterion with a codebook stands there with each of its variables."""
    found = dict[str, JudgedCriterion]()
    for name, value in judged_criteria(spec, measures).items():
        verdicts, variables = look_up(value)
        if variables is None:
            found[name] = JudgedCriterion(value, tuple(verdicts))
        else:
            for one in variables:
                found[variable_name(name, one.name)] = JudgedCriterion(value, one.allowed, one)
    return found


def judged_in_run(spec: FlowSpec, measures: Measures, manifest: Mapping[str, Any]) -> dict[str, JudgedCriterion]:
    """As a finished run's manifest describes it."""
    known: Any = manifest.get("criteria") or {}

    def look_up(value: str) -> tuple[Sequence[str], Sequence[Variable] | None]:
        criterion: Any = known.get(value) or {}
        codebook = codebook_of(criterion)
        return tuple(map(str, criterion.get("verdicts") or ())), codebook.variables if codebook else None

    return judged_variables(spec, measures, look_up)


def variables_in_run(spec: FlowSpec, measures: Measures | None, manifest: Mapping[str, Any]) -> dict[str, Variable]:
    """Name in tables -> variable, for the criteria of a finished run that have a codebook."""
    judged = judged_in_run(spec, measures, manifest) if measures else {}
    return {name: one.variable for name, one in judged.items() if one.variable is not None}


def measures_of(measures: Measures, variable: Variable | None) -> Measures:
    """The settings by which a variable is measured: its own level, order and positive answer in the place of those
    of the study."""
    if variable is None:
        return measures
    own: dict[str, Any] = {"level": "nominal", "order": (), "positive": None}
    if variable.type == "number":
        own["level"] = variable.level
    elif variable.type == "yes_no":
        own["positive"] = "yes"
    elif variable.type == "choice":
        own["positive"] = variable.positive
        own |= {"level": "ordinal", "order": variable.options} if variable.ordered else {}
    return measures.model_copy(update=own)


def without_words(rows: Sequence[VerdictRow], variables: Mapping[str, Variable]) -> list[VerdictRow]:
    """The rows for tables that count verdicts: answers in words stand there as such."""

    def shown(row: VerdictRow) -> VerdictRow:
        variable = variables.get(row.criteria)
        if variable is None or not variable.is_in_words:
            return row
        said = {"verdict": row.verdict and IN_WORDS, "truth": row.truth and IN_WORDS}
        return replace(row, **said, people=dict.fromkeys(row.people, IN_WORDS))

    return [shown(row) for row in rows]


def option_rows(rows: Sequence[VerdictRow], variable: Variable, option: str) -> list[VerdictRow]:
    """The rows of a variable of type choices, as answers to whether one option was chosen."""

    def chosen(text: str) -> str:
        return "yes" if option in variable.members(text) else "no"

    return [
        replace(
            row,
            criteria=f"{row.criteria}: {option}",
            verdict=None if row.verdict is None else chosen(row.verdict),
            truth=None if row.truth is None or not row.is_truth_possible else chosen(row.truth),
            people={name: chosen(text) for name, text in row.people.items()},
        )
        for row in rows
    ]
