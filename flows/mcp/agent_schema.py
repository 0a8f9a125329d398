"""What a client sees of an agent: the text, the inputs that a caller can give, and the parameters that are public.

What a flow supplies by itself is left out, and so is the template: a caller could make any other agent of it. Hosts are
no tools, since they choose among the steps of a flow: their flow is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from agents.base.structured_agent import StructuredAgent
from contract.tools import RUN_AGENT, AgentToolDefinition, Permission
from flows.mcp.published import CORPUS_SCHEMA, object_schema
from flows.mcp.spending import BUDGET_SCHEMA
from flows.spec.agent_registry import AgentClass

_PRIVATE_PARAMETERS = frozenset({"template"})
_MAX_TEXT = 1_000_000
_MOST_OF_TOOL_USERS: Mapping[str, int] = {"max_rounds": 5, "max_calls": 10}
"""Below what a flow may allow: no person is asked before such a call, and a client waits for all of them."""


def tool_name(agent: str) -> str:
    """The name of an agent's tool."""
    return RUN_AGENT + re.sub(r"\W", "_", agent)


def can_be_called_alone(agent: AgentClass) -> bool:
    """Whether a call without a flow makes sense: a host without steps chooses nothing."""
    return not agent.supplied_inputs or agent.works_alone


def agent_definition(
    name: str, agent: AgentClass, model_names: str, usable: Mapping[str, Sequence[Permission]]
) -> AgentToolDefinition:
    """The agent as a tool. `usable` are the tools that an agent may be given, with what each may do."""
    inputs, parameters = agent.Inputs.model_json_schema(), agent.Parameters.model_json_schema()
    properties: dict[str, Any] = {"text": _text_schema()} if _reads_text(agent) else {}
    required = list(properties)
    for schema, hidden in ((inputs, agent.supplied_inputs), (parameters, _PRIVATE_PARAMETERS)):
        properties |= {key: value for key, value in schema.get("properties", {}).items() if key not in hidden}
        required += [key for key in schema.get("required", []) if key not in hidden]
    permissions: list[Permission] = []
    if agent.uses_tools:
        properties |= _tools_schema(properties, usable)
        required.append("tools")
        permissions += [one for one in get_args(Permission) if any(one in granted for granted in usable.values())]
    if agent.searches_corpus:
        properties["corpus"] = CORPUS_SCHEMA
        required.append("corpus")
        permissions.append("read_corpus")
    if agent.fetches_pages:
        permissions.append("fetch")
    if "model" in properties:
        properties["model"] = {**properties["model"], "description": f"The model's name: {model_names}."}
        properties["budget"] = BUDGET_SCHEMA
        permissions.append("spend")
    input_schema = object_schema(properties, required, {**inputs.get("$defs", {}), **parameters.get("$defs", {})})
    return AgentToolDefinition(
        name=tool_name(name), description=_summary(agent), input_schema=input_schema,
        output_schema=agent.Output.model_json_schema(mode="serialization"), permissions=tuple(permissions),
    )  # fmt: skip


def _reads_text(agent: AgentClass) -> bool:
    if issubclass(agent, StructuredAgent):
        return "record" in agent.template_variables()
    return not agent.searches_corpus


def _tools_schema(properties: Mapping[str, Any], usable: Iterable[str]) -> dict[str, Any]:
    """The choice of tools, their corpus, and bounds that are narrower than those of a flow."""
    bounds = {
        name: {**properties[name], "maximum": most} for name, most in _MOST_OF_TOOL_USERS.items() if name in properties
    }
    names = {"type": "string", "enum": sorted(usable)}
    tools = {
        "type": "array", "minItems": 1, "uniqueItems": True, "items": names,
        "description": "The tools that the agent may use.",
    }  # fmt: skip
    corpus = {**CORPUS_SCHEMA, "description": "The storage that its tool `search` searches, for example osb."}
    return {**bounds, "tools": tools, "corpus": corpus}


def _text_schema() -> dict[str, Any]:
    return {"type": "string", "minLength": 1, "maxLength": _MAX_TEXT, "description": "The text that it works on."}


def _summary(agent: AgentClass) -> str:
    return (agent.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")
