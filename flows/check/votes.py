"""The check of votes: whether the criteria that they are about have verdicts to count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agents.prompting.criteria import Criteria, Criterion
from contract.errors import PromptError
from contract.flow import FlowSpec, Step
from flows.config.diagnostics import Diagnostics, closest_name, join_names
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import FlowNode, steps_of
from flows.spec.references import parse_reference, reference_texts
from flows.spec.step_values import all_parameter_values


def check_votes(
    flow_node: FlowNode,
    flow: FlowSpec,
    agents: Mapping[str, AgentClass],
    criteria: Criteria,
    diagnostics: Diagnostics,
) -> None:
    """Reports each criterion with a codebook by which the votes were given that a step counts, and a verdict for ties
    that a criterion does not have. Criteria that cannot be read are told elsewhere."""
    step, agent = flow_node.node, agents.get(flow_node.name)
    if not isinstance(step, Step) or not getattr(agent, "counts_verdicts", False):
        return
    tie = step.parameters.get("tie")
    for name, criterion in _judged_before(flow_node.name, steps_of(flow), agents, criteria).items():
        if criterion.codebook is not None:
            what = f"'{flow_node.name}' counts verdicts, and the criterion '{name}' has a codebook"
            todo = "write `agent: verdict_synthesiser`, which weighs judgements variable by variable"
            diagnostics.add_at((*flow_node.path, "agent"), what, todo=todo)
        elif isinstance(tie, str) and tie not in criterion.verdicts:
            what, near = f"'{tie}' is no verdict of the criterion '{name}'", closest_name(tie, criterion.verdicts)
            todo = f"its verdicts are {join_names(criterion.verdicts)}"
            diagnostics.add_at((*flow_node.path, "parameters", "tie"), what, nearest=near, todo=todo)


def _judged_before(
    name: str, steps: Mapping[str, Step], agents: Mapping[str, AgentClass], criteria: Criteria
) -> dict[str, Criterion]:
    """Name -> criterion, of all by which the judgements are made that the step is given, also through other steps."""
    found, seen, waiting = dict[str, Criterion](), {name}, [name]
    while waiting:
        for one in _steps_read(steps[waiting.pop()]):
            if one in steps and one not in seen:
                seen.add(one)
                waiting.append(one)
                found.update(_criteria_of(one, steps[one], agents, criteria))
    return found


def _steps_read(step: Step) -> Iterator[str]:
    for texts in step.inputs.values():
        for text in reference_texts(texts):
            try:
                reference = parse_reference(text)
            except ValueError:
                continue
            if reference.step:
                yield reference.step


def _criteria_of(
    name: str, step: Step, agents: Mapping[str, AgentClass], criteria: Criteria
) -> Iterator[tuple[str, Criterion]]:
    agent = agents.get(name)
    if agent is None:
        return
    for parameter, value, _ in all_parameter_values(FlowNode(name, step, ()), step, agent):
        if parameter == "criteria" and isinstance(value, str):
            try:
                yield value, criteria.get(value)
            except PromptError:
                continue
