"""The check of gates: a person answers them at the page of a Prefect server, which a run's own server does not have."""

from __future__ import annotations

from contract.errors import Problem
from contract.flow import Gate
from flows.spec.nodes import walk_nodes
from flows.spec.study import Study

_TODO = (
    "start `prefect server start` in another terminal and run again; the gate waits at its page, http://127.0.0.1:4200"
)


def gate_names(study: Study) -> list[str]:
    """The gates of a study, in order."""
    nodes = walk_nodes(study.flow, ("flows", study.flow.name))
    return [found.name for found in nodes if isinstance(found.node, Gate)]


def gate_problems(study: Study) -> list[Problem]:
    """A problem for each gate of a run whose server has no page at which to answer it."""
    flow = study.flow.name
    return [
        Problem(
            study.provenance.where(("flows", flow, "steps", name)),
            f"nobody could answer the gate '{name}': the server that this command starts for itself has no page",
            todo=_TODO,
        )
        for name in gate_names(study)
    ]
