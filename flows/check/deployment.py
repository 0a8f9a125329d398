"""The check of shards: only a run that a deployment started can be split over workers."""

from __future__ import annotations

from contract.errors import Problem
from contract.run import RunSettings
from flows.spec.study import Study


def is_sharded(run: RunSettings) -> bool:
    """Whether a run with those settings is to give its records to child runs."""
    return run.shard is None and run.shards > 1


def deployment_problems(study: Study) -> list[Problem]:
    """What is wrong where a run that was started by hand is to be split; empty where it is not."""
    if not is_sharded(study.run):
        return []
    shards = study.run.shards
    where = f"command line: shards={shards}" if "shards" in study.request else "run.shards"
    todo = (
        f"start its deployment, for example: prefect deployment run {study.flow.name}/<deployment> "
        f"--param shards={shards} (`prefect deployment ls` shows what there is); or leave shards out"
    )
    what = "only a run of a deployment can be split over workers, and this one is started by hand"
    return [Problem(where, what, todo=todo)]
