"""The check of a flow: every mistake that can be known before the first model call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contract.models import ModelConfig
from contract.storage import StorageConfig
from flows.check.resources import ResourceCheck
from flows.check.steps import StepCheck, agents_of
from flows.check.wiring import Wiring
from flows.config.diagnostics import Findings
from flows.config.validate import ShapedFlow
from flows.spec.agent_registry import Registry


@dataclass(frozen=True)
class Surroundings:
    """What a flow is checked against."""

    folders: tuple[Path, ...]
    registry: Registry
    models: Mapping[str, ModelConfig]
    storage: Mapping[str, StorageConfig]
    findings: Findings


def check_flow(flow: ShapedFlow, around: Surroundings) -> frozenset[str]:
    """Puts every mistake into the findings; gives the names of the models that the flow asks."""
    agents = agents_of(flow, around.registry, around.findings)
    Wiring(flow, agents, around.findings).check()
    StepCheck(flow, agents, around.findings).check()
    resources = ResourceCheck(flow, agents, around.models, around.storage, around.folders, around.findings)
    resources.check()
    return frozenset(resources.used)
