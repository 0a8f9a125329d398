"""Serve: runs flows as deployments of this one process, without a work pool. `python -m flows serve`"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract.errors import Problem, RunError, StudyError
from flows.config.arguments import split_list
from flows.config.diagnostics import closest_name, listed_beside
from flows.config.folders import group_choices, search_folders
from flows.server.choose_server import API_URL_VARIABLE, configured_api, local_api, use_running_server
from flows.server.staying_server import StayingServer

_FLOWS_KEYS = ("+flows", "flows")
DEPLOYMENT_NAME = "served"
"""Name of the deployments, as in `osb/served`. It differs from those for workers, so that none replaces another."""


def serve_flows(settings: Sequence[str], config_dir: Path | None) -> int:
    """Serves the flows that `settings` name, or all of them, until interrupted. Returns the exit code.

    Raises StudyError when one of them cannot be composed, RunError when no Prefect server answers.
    """
    names = _flow_names(settings, group_choices(search_folders(config_dir), "flows"))
    held = None if configured_api() else StayingServer.find()
    if held:
        os.environ[API_URL_VARIABLE] = held.api_url
    elif not use_running_server():
        raise RunError(
            f"no Prefect server answers at {local_api()}, so no run could be requested; "
            "start `uv run prefect server start`, or set PREFECT_API_URL to the address of another server"
        )
    from flows.deploy.declared import CONFIG_DIR_VARIABLE
    from flows.server.errors import server_errors

    if config_dir:
        # Each run is a process of its own, and imports the flows again.
        os.environ[CONFIG_DIR_VARIABLE] = str(config_dir.expanduser().absolute())
    try:
        with server_errors():
            _serve(names)
    finally:
        if held:
            held.stop()
    return 0


def _serve(names: Sequence[str]) -> None:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner import Runner

    class InterruptibleRunner(Runner):
        def handle_sigterm(self, *_: Any, **__: Any) -> None:
            # Prefect's own handler never awaits its coroutine and does not end. Ctrl-C ends the runner.
            signal.raise_signal(signal.SIGINT)

    runner: Any = InterruptibleRunner()
    for name in names:
        runner.add_deployment(RunnerDeployment.from_entrypoint(f"flows.declared.{name}", name=DEPLOYMENT_NAME))
    print(f"Serving {', '.join(f'{name}/{DEPLOYMENT_NAME}' for name in names)}; Ctrl-C ends it.", flush=True)
    try:
        asyncio.run(runner.start())
    except KeyboardInterrupt:
        print("No longer serving. Unfinished runs were stopped, and can be retried.", file=sys.stderr)


def _flow_names(settings: Sequence[str], known: Sequence[str]) -> list[str]:
    problems = list[Problem]()
    names = list[str]()
    for text in settings:
        key, _, value = text.partition("=")
        if key not in _FLOWS_KEYS:
            todo = "write +flows=osb or nothing; a flow gets its other settings when a run is started"
            problems.append(Problem(f"command line: {text}", "`serve` takes no such setting", todo=todo))
            continue
        for name in split_list(value):
            names.append(name)
            if name not in known:
                near = closest_name(name, known)
                todo = listed_beside(near, known)
                problems.append(Problem(f"command line: {text}", f"there is no flow '{name}'", near, todo))
    if problems:
        raise StudyError(problems)
    return list(dict.fromkeys(names)) or list(known)
