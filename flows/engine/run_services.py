"""What a run needs in addition to its flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agents.base.agent import Agent
from agents.base.services import AgentServices
from contract.base import JsonValue
from flows.accounting.ledger import Ledger
from flows.engine.cell import CellRunner
from flows.gates.desk import Desk
from flows.results.tool_results import ToolResults
from flows.spec.tool_registry import StepTool

StepListener: TypeAlias = Callable[[str, str], None]
"""Receives the name of a step that has ended, and why it was skipped, or an empty text."""


@dataclass(frozen=True)
class RunServices:
    """What a run needs in addition to its flow."""

    agent_services: AgentServices
    agents: Mapping[str, Agent[Any, Any]]
    cell_runner: CellRunner
    ledger: Ledger
    slots: asyncio.Semaphore
    desk: Desk | None = None
    """Where people are asked; None where nobody is, as in a dry run."""
    tools: Mapping[str, StepTool] = field(default_factory=dict[str, StepTool])
    """The tools that steps name."""
    tool_results: ToolResults | None = None
    """What calls of tools need; None where none is made, as in a dry run."""
    tool_servers: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The digests of the tools of outside servers, for the manifest."""
    step_ended: StepListener | None = None
    """Receives each step of a run of one batch when it has ended, and why it was skipped, if it was."""
