"""Models that think more than a limit of tokens leaves room for: their service refuses each call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from contract.calls import DEFAULT_MAX_TOKENS
from contract.flow import Step
from contract.models import HostedModel, ModelConfig
from flows.config.diagnostics import Diagnostics
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentClass
from flows.spec.nodes import walk_nodes
from flows.spec.step_values import all_parameter_values

_ROUND = 1000


@dataclass(frozen=True)
class _Limit:
    """A limit of tokens that applies to a model, and where it is set, or would be."""

    tokens: int
    path: KeyPath
    line: str
    """How it is written there, with `{tokens}` for the number."""


def check_thinking(
    flow: ValidatedFlow,
    agents: Mapping[str, AgentClass],
    models: Mapping[str, ModelConfig],
    diagnostics: Diagnostics,
) -> None:
    """Reports each model of the flow whose thinking uses up the limit of tokens of its replies.

    Takes seconds where a model of Anthropic's thinks, and no time else.
    """
    for flow_node in walk_nodes(flow.spec, flow.path):
        agent = agents.get(flow_node.name)
        if not isinstance(flow_node.node, Step) or agent is None:
            continue
        values = list(all_parameter_values(flow_node, flow_node.node, agent))
        own = [
            _Limit(value, path, "max_tokens: {tokens}")
            for name, value, path in values
            if name == "max_tokens" and isinstance(value, int)
        ]
        for name in dict.fromkeys(str(value) for name, value, _ in values if name == "model"):
            config = models.get(name)
            if isinstance(config, HostedModel) and (budget := _budget(config)):
                for limit in own or [_limit_of_model(name, config)]:
                    _check_limit(name, config, limit, budget, diagnostics)


def _budget(config: HostedModel) -> int | None:
    if config.provider not in ("anthropic", "bedrock") or config.thinking in (None, "off"):
        return None
    from agents.llms.hosted.pydantic_ai_service import thinking_budget

    return thinking_budget(config)


def _limit_of_model(name: str, config: HostedModel) -> _Limit:
    tokens = config.settings.max_tokens
    if "max_tokens" in config.settings.model_fields_set:
        return _Limit(tokens, ("models", name, "settings", "max_tokens"), "settings: {{max_tokens: {tokens}}}")
    return _Limit(tokens, ("models", name, "thinking"), "settings: {{max_tokens: {tokens}}}")


def _check_limit(name: str, config: HostedModel, limit: _Limit, budget: int, diagnostics: Diagnostics) -> None:
    if limit.tokens > budget:
        return
    enough = -(-(budget + DEFAULT_MAX_TOKENS) // _ROUND) * _ROUND
    diagnostics.add_at(
        limit.path,
        f"the model '{name}' may think for {budget} tokens with `thinking: {config.thinking}`, which count towards the "
        f"limit of {limit.tokens} tokens for a reply: its service refuses each call",
        todo=f"write `{limit.line.format(tokens=enough)}`"
        + ("" if limit.path[0] != "models" else f" in the configuration of '{name}'")
        + ", or let it think less",
    )
