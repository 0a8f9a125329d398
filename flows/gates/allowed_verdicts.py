"""What a verdict that a gate shows may be changed into: the verdicts of the criteria by which it was given."""

from __future__ import annotations

from agents.base.services import CriteriaLookup
from contract.errors import PromptError
from contract.flow import FlowSpec, Gate, Measures
from flows.spec.nodes import steps_of
from flows.tables.coded_variables import judged_criteria

_VERDICT = "verdict"


def allowed_verdicts(flow: FlowSpec, gate: Gate, criteria: CriteriaLookup) -> tuple[str, ...]:
    """The verdicts that the changed value is one of; empty where the value is no verdict, or may be any text."""
    source = gate.inputs.get(gate.value or "")
    step, _, field = source.partition(".") if isinstance(source, str) else ("", "", "")
    if field != _VERDICT or "criteria" not in _values(flow, step):
        return ()
    found = dict[str, None]()
    for named in judged_criteria(flow, Measures(verdicts=step)).values():
        try:
            criterion = criteria.get(named)
        except PromptError:
            return ()
        if criterion.codebook is not None:
            return ()
        found |= dict.fromkeys(criterion.verdicts)
    return tuple(found)


def _values(flow: FlowSpec, name: str) -> set[str]:
    step = steps_of(flow).get(name)
    return {*step.variants, *step.parameters} if step else set()
