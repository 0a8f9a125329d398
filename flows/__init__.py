"""Flows: a study written in YAML becomes Prefect flows. The only package that knows Prefect and Hydra.

The modules here are entry points: `flows.osb`, `flows.tox`, `flows.trans`, `flows.vaw` and `flows.judger` for one
flow each, and `python -m flows` for all of them. Everything else is in rooms, each a package; a room imports only
rooms below it. From top to bottom: mcp, declared, api, cli, deploy, run, plan, shards, run_folder, engine, report,
measures, compose, check, corpus, storage, tables, accounting, spec, config, results, files, server.
`docs/architecture.md` has the map.

In Python, `from flows import agent, study, trace` is the way in; each is imported when it is first used, so
`import flows` costs nothing.
"""

import os
import sys

# Not even `__future__` may be imported before this.
if (
    sys.argv[:1] == ["-m"]
    and sys.orig_argv[-len(sys.argv)].removeprefix("-m").partition(".")[0] == __name__
    and not (sys.flags.safe_path or f"{sys.path[0]}{os.sep}{__name__}" == __path__[0])
):
    # `python -m` looks for modules in the current folder first. That may be somebody else's study, and a `json.py` in
    # it would be run with all that the user may do.
    del sys.path[0]

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flows.api.agent import agent
    from flows.api.study import study
    from flows.api.study_run import StudyRun
    from flows.api.trace import trace

_MODULES = {
    "agent": "flows.api.agent",
    "study": "flows.api.study",
    "trace": "flows.api.trace",
    "StudyRun": "flows.api.study_run",
}

__all__ = ["StudyRun", "agent", "study", "trace"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'flows' has no attribute '{name}'")
    from importlib import import_module

    # Before anything that imports Prefect, which reads its settings once.
    import_module("flows.api.server").quieten_prefect()
    import_module("flows.server.ephemeral_server").give_time_to_start()
    return getattr(import_module(_MODULES[name]), name)
