"""The check of a flow: every mistake that can be known before the first model call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contract.models import ModelConfig
from contract.storage import StorageConfig
from contract.tool_servers import MCPServer
from flows.check.gate import GateCheck
from flows.check.resources import ResourceCheck
from flows.check.several_models import note_single_models
from flows.check.sources import RecordCheck
from flows.check.steps import StepCheck, agent_classes_of
from flows.check.thinking import check_thinking
from flows.check.tools import ToolCheck
from flows.check.wiring import WiringCheck
from flows.config.diagnostics import Diagnostics
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentRegistry


@dataclass(frozen=True)
class CheckContext:
    """What a flow is checked against, and the diagnostics that its mistakes go to."""

    folders: tuple[Path, ...]
    registry: AgentRegistry
    models: Mapping[str, ModelConfig]
    storage: Mapping[str, StorageConfig]
    diagnostics: Diagnostics
    tool_servers: Mapping[str, MCPServer] = field(default_factory=dict[str, MCPServer])
    records: Sequence[RecordCheck] = ()
    """What else looks at the flow's records."""


def check_flow(flow: ValidatedFlow, context: CheckContext) -> frozenset[str]:
    """Adds every mistake to the diagnostics; returns the names of the models that the flow uses."""
    agents = agent_classes_of(flow, context.registry, context.diagnostics)
    WiringCheck(flow, agents, context.diagnostics).check()
    StepCheck(flow, agents, context.diagnostics).check()
    ToolCheck(flow, agents, context.tool_servers, context.diagnostics).check()
    GateCheck(flow, context.diagnostics).check()
    resources = ResourceCheck(
        flow, agents, context.models, context.storage, context.folders, context.diagnostics, context.records,
    )  # fmt: skip
    resources.check()
    check_thinking(flow, agents, context.models, context.diagnostics)
    note_single_models(flow.spec, context.models, context.diagnostics)
    return frozenset(resources.used_models)
