"""The agents that steps may name, each imported only when a flow uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from agents.base.agent import Agent
from agents.base.registry import installed_agents, load_agent
from contract.flow import FlowSpec
from flows.spec.nodes import steps_of

AgentClass: TypeAlias = type[Agent[Any, Any]]
AgentRegistry: TypeAlias = Mapping[str, AgentClass]


class InstalledAgents(Mapping[str, AgentClass]):
    """Every agent on this machine; getting one imports it."""

    def __getitem__(self, name: str) -> AgentClass:
        return load_agent(name)

    def __contains__(self, name: object) -> bool:
        return name in installed_agents()

    def __iter__(self) -> Iterator[str]:
        return iter(installed_agents())

    def __len__(self) -> int:
        return len(installed_agents())


def load_agents(spec: FlowSpec) -> dict[str, Agent[Any, Any]]:
    """One instance of every agent that the flow names; agents hold no state."""
    return {step.agent: load_agent(step.agent)() for step in steps_of(spec).values()}
