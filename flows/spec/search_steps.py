"""The steps of a flow that search its corpus, and which documents they search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from agents.search import SearchParameters
from contract.flow import FlowSpec, Step
from flows.spec.nodes import steps_of

SEARCH_AGENTS = frozenset({"search"})
"""Agents that search the flow's corpus."""
WHERE = "where"
"""Their parameter that chooses documents."""


def searches(flow: FlowSpec) -> bool:
    """Whether a step of the flow searches its corpus."""
    return flow.corpus is not None and any(step.agent in SEARCH_AGENTS for step in steps_of(flow).values())


def where_of(step: Step) -> Mapping[str, Any]:
    """Which documents the step searches; empty for all, for steps that search nothing, and where it is mistaken."""
    wanted = step.parameters.get(WHERE)
    if step.agent not in SEARCH_AGENTS or not wanted:
        return {}
    try:
        return SearchParameters.model_validate({WHERE: wanted}).where
    except ValidationError:
        return {}
