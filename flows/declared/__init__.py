"""Flows to import: for Prefect's deployments, and for flows of one's own that await them.

    from flows.declared import osb, tox
    answer = await osb(query="What is a veiled threat?")     # a CitedAnswer
    run = await tox(records="posts.csv", llms="lite")        # a StudyRun, with data frames

`flows.declared.<name>` is the flow of that name, and `declare` makes one of another folder. Prefect imports flows by
this path for `python -m flows serve`, and so do saved deployments.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect import Flow

from flows.deploy import declared
from flows.server.ephemeral_server import give_time_to_start

if TYPE_CHECKING:
    from contract.findings import CitedAnswer
    from flows.api.study_run import StudyRun
    from flows.run_folder.outcome import Outcome

__all__ = ["declare"]

give_time_to_start()


def declare(name: str, config_dir: str | Path | None = None) -> Flow[..., Any]:
    """The flow of that name in the study's folder. Each run composes it anew, from the run's parameters.

    Awaited in another flow, its run is a child run there, and gives the `CitedAnswer` of a flow that answers one
    question, or the `StudyRun`. Raises StudyError when the flow cannot be composed now.
    """
    return declared.declare(name, Path(config_dir) if config_dir is not None else None, _answer_or_run)


def _answer_or_run(outcome: Outcome) -> CitedAnswer | StudyRun:
    from flows.api.study_run import StudyRun

    run = StudyRun.of(outcome)
    return run.cited_answer or run


def __getattr__(name: str) -> Flow[..., Any]:
    if name.startswith("_") or not declared.is_flow(name):
        raise AttributeError(name)
    return declare(name)
