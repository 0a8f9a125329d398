"""Preload: imports modules that take seconds to import, while the Prefect server starts."""

from __future__ import annotations

from importlib import import_module
from threading import Thread

from agents.llms.hosted.subprocess_model import SUPPORTED, CallerProcess
from flows.spec.study import Study


def import_clients(study: Study) -> None:
    """Begins to import the clients of hosted models, in a thread.

    The thread is never waited for: where all replies are kept, no client is needed.
    """
    Thread(target=_import_provider_modules, args=(_hosted_providers(study),), daemon=True).start()


def start_caller(study: Study) -> CallerProcess | None:
    """Starts the process that calls hosted models in a run of many records; None when the run calls none."""
    providers = _hosted_providers(study)
    if not providers or not SUPPORTED:
        return None
    caller = CallerProcess()
    caller.prestart(providers)
    return caller


def import_measures(study: Study) -> None:
    """Imports the modules that make a study's measures and report. A small run does not need them before its end."""
    if study.flow.measures:
        import_module("flows.measures.compute")
        import_module("flows.report.write_report")


def _hosted_providers(study: Study) -> set[str]:
    used = (study.models[name] for name in study.used_models)
    return {config.provider for config in used if config.kind == "hosted"}


def _import_provider_modules(providers: set[str]) -> None:
    if providers:
        from agents.llms.hosted.pydantic_ai_service import provider_module

        for provider in providers:
            provider_module(provider)
