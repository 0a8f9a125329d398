"""The check of shards: only a run that a deployment started can be split over workers."""

from __future__ import annotations

from contract.errors import Problem
from contract.run import RunSettings
from flows.spec.study import Study


def is_sharded(run: RunSettings) -> bool:
    """Whether a run with those settings splits its records over child runs."""
    return run.shard is None and run.shards > 1


def deployment_problems(study: Study) -> list[Problem]:
    """The problem of a run that is started by hand and should be split; empty if it should not be split."""
    if not is_sharded(study.run):
        return []
    shards = study.run.shards
    where = f"command line: shards={shards}" if "shards" in study.request else "run.shards"
    todo = (
        f"start its deployment, for example: prefect deployment run {study.flow.name}/<deployment> "
        f"--param shards={shards} (`prefect deployment ls` lists the deployments); or leave shards out"
    )
    what = "only a run of a deployment can be split over workers, and this one is started by hand"
    return [Problem(where, what, todo=todo)]
