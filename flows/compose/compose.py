"""Composition: what a study's folder and the command line say, as checked studies ready to run.

    [study] = compose(["osb"], ["query=When is a slur protected?", "llms=lite"], Path("my_study"))

Files are merged by Hydra; everything that is wrong is found in one pass, before any model is asked, and raised
together as a StudyError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from contract.base import JsonValue
from flows.check.budget import check_budget
from flows.check.flow import Surroundings, check_flow
from flows.compose.external_models import models_elsewhere, secrets_of, with_keys
from flows.compose.request import applied, tell_missing, tell_unknown, typed_request, understood
from flows.compose.sections import models_of, run_of, section, storages_of
from flows.compose.shorthands import shortened
from flows.config.compose_config import Composed, compose_config
from flows.config.diagnostics import SECRET, Findings
from flows.config.fragments import with_fragments
from flows.config.provenance import masked
from flows.config.secret_leaks import tell_leaks
from flows.config.validate import ShapedFlow, shaped_flow
from flows.spec.agent_registry import InstalledAgents, Registry
from flows.spec.study import Study


def compose(
    flow_names: Sequence[str],
    overrides: Sequence[str],
    config_dir: Path | None = None,
    *,
    registry: Registry | None = None,
    require_request: bool = True,
) -> list[Study]:
    """The studies that the flow names and the arguments `overrides` ask for, in that order.

    `registry` is for tests; otherwise the installed agents are used. Without `require_request`, required parameters
    may be absent and are listed in `Study.missing_parameters`. Raises StudyError with every mistake found.
    """
    diagnostics = Findings()
    agents: Registry = registry if registry is not None else InstalledAgents()
    composed = compose_config(flow_names, overrides, config_dir, diagnostics)
    validated_flows = [found for name in composed.flows if (found := _shaped(name, composed, diagnostics))]
    if validated_flows and len(validated_flows) == len(composed.flows) and composed.complete:
        accepted = set[str]().union(*(understood(flow.spec, flow.path, agents) for flow in validated_flows))
        tell_unknown(composed.request, accepted, set(composed.words), diagnostics)
    tell_leaks(composed, diagnostics)
    secrets = secrets_of(composed.config.get("secrets"), diagnostics)
    models = models_of(composed.config.get("models"), composed.folders, diagnostics)
    models |= models_elsewhere(secrets, diagnostics)
    storage = storages_of(composed.config.get("storage"), diagnostics)
    run = run_of(composed.config.get("run"), diagnostics)
    public = cast("dict[str, JsonValue]", masked(composed.config, SECRET))
    studies: list[Study] = []
    for flow in validated_flows:
        applied_shorthands = shortened(flow, composed.request, storage, run, diagnostics)
        request = typed_request(flow, applied_shorthands.rest, diagnostics)
        if require_request:
            tell_missing(flow, request, applied_shorthands.rest, diagnostics)
        spec = applied_shorthands.laid_over(applied(flow, request, applied_shorthands.rest, agents, diagnostics))
        context = Surroundings(composed.folders, agents, models, applied_shorthands.storage, diagnostics)
        used = check_flow(ShapedFlow(spec, flow.path, flow.incomplete, flow.dropped), context)
        studies.append(
            Study(
                flow=spec,
                request={**request.values, **applied_shorthands.given},
                models=models,
                used_models=used,
                storage=applied_shorthands.storage,
                run=applied_shorthands.run,
                folders=composed.folders,
                config=public,
                provenance=diagnostics.provenance,
                missing_parameters=request.missing,
            )
        )
    studies = [with_keys(study, secrets, diagnostics) for study in studies]
    for study in studies:
        check_budget(study, diagnostics)
    diagnostics.raise_if_any()
    notices = tuple(diagnostics.notices)
    return [replace(study, notices=notices) for study in studies]


def _shaped(name: str, composed: Composed, findings: Findings) -> ShapedFlow | None:
    data = section(composed.config, "flows").get(name)
    if not isinstance(data, dict):
        findings.say(f"the flow '{name}'", "its file holds nothing")
        return None
    return shaped_flow(name, with_fragments(name, data, findings), findings)
