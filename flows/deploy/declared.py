"""Declared flows: each flow of a study's folder as an importable Prefect flow, for deployments and the Prefect UI."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prefect import Flow
from prefect.runtime import flow_run

from contract.errors import ButtermilkError
from flows.compose.compose import compose
from flows.compose.shorthands import as_arguments
from flows.config.folders import group_choices, search_folders
from flows.config.listing import list_all
from flows.run.failure import is_loaded_for_run, make_failing_flow
from flows.run.form import Form, FormChoices
from flows.run.runner import make_flow
from flows.run_folder.outcome import Outcome
from flows.spec.study import Study

CONFIG_DIR_VARIABLE = "BUTTERMILK_CONFIG_DIR"
"""The environment variable that names the study's own folder, for a flow that is declared without one."""


def declare(
    name: str, config_dir: Path | None = None, result_of: Callable[[Outcome], Any] = lambda _: None
) -> Flow[..., Any]:
    """The flow of that name. Each run composes it anew, from the parameters that the run is started with.

    `result_of` makes of a run's outcome what a flow gets that awaits this one. Raises StudyError when the flow cannot
    be composed now: the same mistake would stop every run. In the process of a run, it is this run that fails.
    """
    folder = config_dir or _configured_folder()
    try:
        [study] = compose([name], [], folder, require_request=False)
    except ButtermilkError as error:
        if not is_loaded_for_run():
            raise
        return make_failing_flow(name, error)

    form = Form(study.flow, _form_choices(study, folder), flow_run.get_parameters() if is_loaded_for_run() else ())

    def study_of(request: Mapping[str, Any]) -> Study:
        form.check(request)
        [composed] = compose([name], as_arguments(form.without_blanks(request)), folder)
        return composed

    return make_flow(study.flow, study_of, form=form, result_of=result_of)


def _form_choices(study: Study, folder: Path | None) -> FormChoices:
    criteria = [one.name for one in list_all(folder) if one.kind == "criterion"]
    values = {"model": sorted(study.models), "criteria": criteria}
    return FormChoices(llms=group_choices(search_folders(folder), "llms"), values=values)


def _configured_folder() -> Path | None:
    named = os.environ.get(CONFIG_DIR_VARIABLE)
    return Path(named) if named else None


def is_flow(name: str) -> bool:
    """Whether the configured study's folder, or ours, declares a flow of that name."""
    return name in group_choices(search_folders(_configured_folder()), "flows")
