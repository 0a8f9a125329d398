"""Records a run outside its folder, at its start and at its end: in the audit trail, and as Prefect events."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from contract.base import digest
from contract.models import HostedModel, ModelConfig
from contract.secrets import is_loopback_host
from flows.accounting.audit import AuditTrail, audit_path
from flows.accounting.costs import Costs
from flows.run.events import emit_outcome
from flows.server.current_flow_run import current_flow_run
from flows.spec.study import Study

if TYPE_CHECKING:
    from flows.run_folder.outcome import Outcome

_MAX_VALUE_CHARACTERS = 300


class AuditedRun:
    """Holds the outcome of a run; `audit_run` reads it at the end of its block."""

    outcome: Outcome | None = None


@contextmanager
def audit_run(study: Study) -> Generator[AuditedRun]:
    """Writes a line to the audit trail before and after the block, and emits what automations hear from no state.

    Raises RunError when the audit trail cannot be written.
    """
    trail, identity, audited_run = AuditTrail(audit_path(study.run.audit)), _run_identity(study), AuditedRun()
    trail.add("run started", **identity, **_request_fields(study))
    try:
        yield audited_run
    except BaseException as error:
        trail.add("run broken off", **identity, error=type(error).__name__)
        raise
    if outcome := audited_run.outcome:
        trail.add("run ended", **identity, **_outcome_fields(study, outcome))
        emit_outcome(study, outcome)


def _run_identity(study: Study) -> dict[str, Any]:
    run = current_flow_run()
    return {
        "flow": study.flow.name,
        "flow_run_id": str(run.id) if run else None,
        "deployment_id": str(run.deployment_id) if run and run.deployment_id else None,
    }


def _request_fields(study: Study) -> dict[str, Any]:
    return {
        "request": {name: _truncated(value) for name, value in study.request.items() if value is not None},
        "config": digest(dict(study.config)),
        "models": {name: _service(study.models[name]) for name in sorted(study.used_models)},
        "budget_usd": None if study.run.budget is None else str(study.run.budget),
    }


def _truncated(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else f"{text[:_MAX_VALUE_CHARACTERS]}…"


def _outcome_fields(study: Study, outcome: Outcome) -> dict[str, Any]:
    return {
        "folder": str(outcome.folder.absolute()),
        "seal": outcome.seal,
        "records": outcome.records,
        "cells": dict(sorted(outcome.totals.cells.items())),
        "cost_usd": str(outcome.totals.cost_usd),
        "sent": _data_sent(study, outcome.totals.costs),
    }


def _data_sent(study: Study, costs: Costs) -> list[Mapping[str, Any]]:
    """The services to which data was sent, with the number of calls and records."""
    found = list[Mapping[str, Any]]()
    for name, spent in costs.by_model().items():
        config = study.models.get(name)
        if spent.calls_sent and isinstance(config, HostedModel):
            found.append({"model": name, **_service(config), "calls": spent.calls_sent, "records": len(spent.records)})
    return found


def _service(config: ModelConfig) -> dict[str, Any]:
    """The provider of a model, its address, and whether data leaves this machine."""
    if not isinstance(config, HostedModel):
        return {"provider": config.kind, "leaves_this_machine": False}
    host = config.base_url.host if config.base_url else None
    return {
        "provider": config.provider,
        "model_id": config.model_id,
        "endpoint": host or "the provider's own",
        "project": config.project,
        "location": config.location,
        "leaves_this_machine": not (host and is_loopback_host(host.strip("[]"))),
    }
