"""The check of gates and of tools with consent: a person answers at a Prefect server's page, which our own has not."""

from __future__ import annotations

from contract.errors import Problem
from contract.flow import Gate, Step
from flows.spec.nodes import walk_nodes
from flows.spec.study import Study

_TODO = (
    "run again with run.server=stay, or start `prefect server start` in another terminal; "
    "the gate waits at its page, http://127.0.0.1:4200"
)


def gate_names(study: Study) -> list[str]:
    """The gates of a study, in order."""
    nodes = walk_nodes(study.flow, ("flows", study.flow.name))
    return [found.name for found in nodes if isinstance(found.node, Gate)]


def approving_steps(study: Study) -> list[str]:
    """The steps at whose tools a person is asked first, in order."""
    nodes = walk_nodes(study.flow, ("flows", study.flow.name))
    return [found.name for found in nodes if isinstance(found.node, Step) and found.node.approve]


def gate_problems(study: Study) -> list[Problem]:
    """A problem for each question to a person, in a run whose server has no page at which to answer it."""
    flow = study.flow.name
    approvals = [
        Problem(
            study.provenance.where(("flows", flow, "steps", name, "approve")),
            f"nobody could allow the tools of '{name}': the server that this command starts for itself has no page",
            todo=_TODO,
        )
        for name in approving_steps(study)
    ]
    return approvals + [
        Problem(
            study.provenance.where(("flows", flow, "steps", name)),
            f"nobody could answer the gate '{name}': the server that this command starts for itself has no page",
            todo=_TODO,
        )
        for name in gate_names(study)
    ]
