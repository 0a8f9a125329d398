"""Composes a study of one agent, for calls of an agent outside a flow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

from contract.base import JsonValue
from contract.errors import COMMAND_LINE, Problem, StudyError
from contract.flow import FlowParameter, FlowSpec, Step
from flows.compose.caller_words import in_words_of
from flows.compose.compose import check_studies
from flows.config.compose_config import compose_config
from flows.config.diagnostics import Diagnostics, closest_name, display_argument, join_names, there_are
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentClass, AgentRegistry, InstalledAgents
from flows.spec.study import Study

_YAML_ADVICE = re.compile(r"add `(\w+):(?: [^`]*)?` (?:below `\w+:`|(?:with the name of a storage )?to the flow)")


@dataclass(frozen=True)
class AgentCall:
    """An agent with all that one call of it needs, checked."""

    study: Study
    agent: AgentClass
    parameters: Mapping[str, JsonValue]
    inputs: Mapping[str, JsonValue]


def compose_agent(
    name: str,
    settings: Mapping[str, JsonValue],
    config_dir: Path | None = None,
    registry: AgentRegistry | None = None,
    budget: Decimal | None = None,
    caller: str | None = None,
) -> AgentCall:
    """Returns the agent `name` with `settings`: its parameters, inputs, and the `corpus` and `tools` that it may use.

    `budget` is in US dollars, for this call; None leaves it to the configuration. `caller` is what mistakes name as
    called, where that is not `agent(…)` of Python.

    Raises StudyError with every mistake found.
    """
    with in_words_of(caller or f"agent('{name}')"):
        return _composed(name, settings, config_dir, registry, budget)


def _composed(
    name: str,
    settings: Mapping[str, JsonValue],
    config_dir: Path | None,
    registry: AgentRegistry | None,
    budget: Decimal | None,
) -> AgentCall:
    diagnostics = Diagnostics()
    agents: AgentRegistry = registry if registry is not None else InstalledAgents()
    composed = compose_config(None, [] if budget is None else [f"budget={budget}"], config_dir, diagnostics)
    given = dict(settings)
    corpus, tools = given.pop("corpus", None), _tool_names(given.pop("tools", None), diagnostics)
    parameters, inputs = _sort_settings(name, given, agents, diagnostics)
    flow = ValidatedFlow(_flow(name, parameters, inputs, corpus, tools), ("call",))
    for key, value in settings.items():
        kind = "parameters" if key in parameters else "inputs"
        diagnostics.provenance.add_argument(("call", "steps", name, kind, key), display_argument(f"{key}={value}"))
    if corpus is not None:
        diagnostics.provenance.add_argument(("call", "corpus"), display_argument(f"corpus={corpus}"))
    try:
        [study] = check_studies([flow], composed, agents, diagnostics, require_request=False)
    except StudyError as error:
        raise StudyError([_without_yaml(problem) for problem in error.problems]) from None
    return AgentCall(study, agents[name], parameters, inputs)


def _without_yaml(problem: Problem) -> Problem:
    """The problem as somebody reads it who wrote a call and no YAML."""
    todo = problem.todo and _YAML_ADVICE.sub(r"give \1=…", problem.todo)
    return replace(problem, where=COMMAND_LINE if problem.where.startswith("call.") else problem.where, todo=todo)


def _tool_names(given: JsonValue, diagnostics: Diagnostics) -> tuple[str, ...]:
    names = [given] if isinstance(given, str) else given or []
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(cast("list[str]", names))
    diagnostics.add(display_argument(f"tools={given}"), "tools are named in a list", todo='give tools=["search"]')
    return ()


def _flow(
    name: str, parameters: dict[str, Any], inputs: Mapping[str, Any], corpus: JsonValue, tools: tuple[str, ...]
) -> FlowSpec:
    step = Step(agent=name, parameters=parameters, inputs=dict.fromkeys(inputs, "parameters.text"), tools=tools)
    return FlowSpec(
        name="call", records="parameters.text", parameters={"text": FlowParameter()},
        corpus=None if corpus is None else str(corpus), steps={name: step}, result=name,
    )  # fmt: skip


def _sort_settings(
    name: str, settings: Mapping[str, JsonValue], agents: AgentRegistry, diagnostics: Diagnostics
) -> tuple[dict[str, JsonValue], dict[str, JsonValue]]:
    """The settings that are parameters of the agent, and those that are its inputs; any other is reported."""
    if name not in agents:
        todo = there_are(agents)
        diagnostics.add(COMMAND_LINE, "there is no such agent", nearest=closest_name(name, agents), todo=todo)
        diagnostics.raise_if_any()
    agent = agents[name]
    known = {*agent.Parameters.model_fields, *agent.Inputs.model_fields}
    for key, value in settings.items():
        if key not in known:
            where, todo = display_argument(f"{key}={value}"), f"it takes {join_names({*known, 'corpus', 'tools'})}"
            diagnostics.add(where, f"the agent '{name}' takes no '{key}'", nearest=closest_name(key, known), todo=todo)
    parameters = {key: value for key, value in settings.items() if key in agent.Parameters.model_fields}
    inputs = {k: v for k, v in settings.items() if k in agent.Inputs.model_fields and k not in parameters}
    return parameters, inputs
