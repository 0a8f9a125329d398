"""Composes a study's folder and the command line into checked studies, ready to run.

    [study] = compose(["osb"], ["query=When is a slur protected?", "llms=lite"], Path("my_study"))

Hydra merges the files. Every mistake is found in one pass, before the first model call, and all are raised together as
one StudyError.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from agents.prompting.criteria import Criteria
from contract.base import JsonValue
from flows.check.answers import check_answers
from flows.check.budget import check_budget
from flows.check.flow import CheckContext, check_flow
from flows.check.languages import note_question
from flows.check.linked_pages import linked_page_notices
from flows.check.measures import with_positive_verdict
from flows.check.record_columns import RecordColumnCheck
from flows.compose.corpus_shorthand import with_chosen_storage
from flows.compose.external_models import (
    secret_models,
    secret_settings_of,
    users_models,
    with_api_keys,
    with_users_models,
)
from flows.compose.gold import check_gold, with_gold_file
from flows.compose.key_permissions import KeyCheck
from flows.compose.library_keys import with_library_keys
from flows.compose.places import PlaceCheck
from flows.compose.request import (
    accepted_names,
    apply_request,
    parse_request,
    report_missing_parameters,
    report_unknown_names,
)
from flows.compose.sections import config_section, models_of, run_settings_of, storages_of
from flows.compose.shorthands import apply_shorthands
from flows.compose.tool_servers import tool_servers_of, used_tool_servers
from flows.compose.where_shorthand import with_conditions
from flows.config.compose_config import ComposedConfig, compose_config
from flows.config.diagnostics import Diagnostics, join_names, may_hold_secret
from flows.config.fragments import merge_fragments
from flows.config.provenance import mask_secrets
from flows.config.secret_leaks import report_secret_leaks
from flows.config.validate import ValidatedFlow, validate_flow
from flows.spec.agent_registry import AgentRegistry, InstalledAgents
from flows.spec.approvals import with_approvals
from flows.spec.study import Study


def compose(
    flow_names: Sequence[str],
    overrides: Sequence[str],
    config_dir: Path | None = None,
    *,
    registry: AgentRegistry | None = None,
    require_request: bool = True,
    other_settings: Collection[str] = (),
    compares: bool = True,
) -> list[Study]:
    """Returns one study for each flow that `flow_names` and the arguments `overrides` name, in that order.

    `registry` is for tests; otherwise the installed agents are used. Without `require_request`, required parameters
    may be absent and are listed in `Study.missing_parameters`. `other_settings` are those that a command takes beside
    the study's, for whoever misspells one. Without `compares`, nothing is noted on how models are compared with people.
    Raises StudyError with every mistake found.
    """
    diagnostics = Diagnostics(compares=compares)
    agents: AgentRegistry = registry if registry is not None else InstalledAgents()
    composed = compose_config(flow_names, overrides, config_dir, diagnostics)
    validated_flows = [found for name in composed.flows if (found := _validate_flow(name, composed, diagnostics))]
    if validated_flows and len(validated_flows) == len(composed.flows) and composed.complete:
        accepted = set[str]().union(*(accepted_names(flow.spec, flow.path, agents) for flow in validated_flows))
        report_unknown_names(composed.request, accepted, set(composed.config_names), diagnostics, other_settings)
    report_secret_leaks(composed, diagnostics)
    return check_studies(validated_flows, composed, agents, diagnostics, require_request=require_request)


def check_studies(
    flows: Sequence[ValidatedFlow],
    composed: ComposedConfig,
    agents: AgentRegistry,
    diagnostics: Diagnostics,
    *,
    require_request: bool = True,
) -> list[Study]:
    """Returns a study for each of the flows, with the settings in `composed`. Raises StudyError with every mistake."""
    secrets = secret_settings_of(composed.config.get("secrets"), diagnostics)
    models = models_of(composed.config.get("models"), composed.folders, diagnostics)
    models |= secret_models(secrets, diagnostics)
    own_models = users_models(diagnostics)
    models = with_users_models(models, own_models, diagnostics)
    keys = KeyCheck(composed, models, own_models, diagnostics)
    storage = storages_of(composed.config.get("storage"), diagnostics)
    servers = tool_servers_of(composed.config.get("tools"), diagnostics)
    run = run_settings_of(composed.config.get("run"), diagnostics)
    places = PlaceCheck(composed, diagnostics)
    places.check_run(run)
    places.check_models(models, own_models)
    public = cast(
        "dict[str, JsonValue]", mask_secrets(composed.config, lambda path, value: may_hold_secret(path[-1], value))
    )
    studies: list[Study] = []
    for flow in flows:
        asked = with_chosen_storage(composed.request, flow.spec, composed.chosen_storage, storage)
        applied_shorthands = apply_shorthands(flow, asked, storage, run, diagnostics)
        request = parse_request(flow, applied_shorthands.other_values, diagnostics)
        if "queries" in applied_shorthands.values:
            request = replace(request, missing=())
        report_missing_parameters(
            flow, request, applied_shorthands.other_values, diagnostics, is_required=require_request
        )
        spec = applied_shorthands.apply_to(
            apply_request(flow, request, applied_shorthands.other_values, agents, diagnostics)
        )
        if applied_shorthands.where:
            spec = with_conditions(spec, flow.path, applied_shorthands.where, composed.request, diagnostics)
        spec = with_gold_file(spec, flow.path, composed.folders, diagnostics)
        places.check_gold(spec)
        check_gold(spec, flow.path, diagnostics)
        spec = with_positive_verdict(spec, agents, composed.folders, diagnostics)
        places.check_storages(spec, applied_shorthands.storage)
        criteria = Criteria(composed.folders)
        answered = check_answers(ValidatedFlow(spec, flow.path), applied_shorthands.run, criteria, diagnostics)
        columns = RecordColumnCheck(applied_shorthands.run.record_columns, of_several_flows=len(flows) > 1)
        context = CheckContext(
            composed.folders, agents, models, applied_shorthands.storage, diagnostics, servers,
            [*([answered] if answered else []), columns],
        )  # fmt: skip
        used = check_flow(ValidatedFlow(spec, flow.path, flow.incomplete, flow.dropped), context)
        keys.report(used)
        _report_idle_choice(composed, spec.name, used, diagnostics)
        note_question(spec, request.values, applied_shorthands.storage, diagnostics)
        for notice in linked_page_notices(spec, request.values):
            diagnostics.add_notice(notice)
        studies.append(
            Study(
                flow=spec,
                request={**request.values, **applied_shorthands.values},
                models=models,
                used_models=used,
                storage=applied_shorthands.storage,
                run=applied_shorthands.run,
                folders=composed.folders,
                config=public,
                provenance=diagnostics.provenance,
                tool_servers=used_tool_servers(spec, servers, composed, diagnostics),
                missing_parameters=request.missing,
            )
        )
    studies = [with_api_keys(study, secrets, keys.forbidden, diagnostics) for study in studies]
    studies = [with_library_keys(study, keys.permissions, diagnostics) for study in studies]
    for study in studies:
        check_budget(study, diagnostics)
    diagnostics.raise_if_any()
    notices, of_results = tuple(diagnostics.notices), tuple(diagnostics.result_notices)
    return [replace(study, notices=notices, result_notices=of_results) for study in studies]


def _report_idle_choice(composed: ComposedConfig, flow: str, used: Collection[str], diagnostics: Diagnostics) -> None:
    """Notes `llms=lite` for a flow whose steps name their models themselves."""
    roles = config_section(composed.config, "llms").values()
    chosen = {
        model for value in roles for model in (value if isinstance(value, list) else [value]) if isinstance(model, str)
    }
    if composed.roles_choice and used and not chosen & set(used):
        diagnostics.add_notice(
            f"{composed.roles_choice} changes nothing in '{flow}': its steps name their models themselves "
            f"({join_names(used)}); a step whose model is ${{llms.general}} takes the one that is chosen"
        )


def _validate_flow(name: str, composed: ComposedConfig, diagnostics: Diagnostics) -> ValidatedFlow | None:
    data = config_section(composed.config, "flows").get(name)
    if not isinstance(data, dict):
        diagnostics.add(f"the flow '{name}'", "its file holds nothing")
        return None
    validated = validate_flow(name, merge_fragments(name, data, diagnostics), diagnostics)
    return replace(validated, spec=with_approvals(validated.spec)) if validated else None
