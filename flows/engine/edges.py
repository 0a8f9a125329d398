"""Edges: what a run waited for, as the Prefect UI draws it.

Prefect draws an edge for each state, or result of a run, in `wait_for`. It also searches a state and all its data,
which costs far more than the edge. There it may find a shared string that it knows as another run's result, and then
draws an edge that does not exist. So a finished run is passed as a `FinishedRun`: an empty result that serves only as
an edge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State

from flows.engine.scope import Scope
from flows.server.prefect_internals import link_state_to_flow_run_result, link_state_to_task_run_result


class FinishedRun:
    """A run that has ended, with or without success: the runs that wait for it can start."""

    task_run_id: UUID | None = None
    """Id of a cell's task run; None for a child run."""
    _unlinked: State[Any] | None = None

    @classmethod
    def of_task_run(cls, state: State[Any]) -> FinishedRun:
        """A task run in the current flow run that ended in that state."""
        finished_run = cls()
        finished_run.task_run_id = state.state_details.task_run_id
        finished_run._unlinked = state
        return finished_run

    @classmethod
    def of_subflow(cls, state: State[Any]) -> FinishedRun:
        """A child run of the current flow run that ended in that state."""
        finished_run = cls()
        link_state_to_flow_run_result(state, finished_run)
        return finished_run

    def linked(self) -> FinishedRun:
        """Makes the run known to Prefect as a result, and returns it.

        Called only when something waits for it: in a large run, nothing waits for most cells.
        """
        state, self._unlinked = self._unlinked, None
        if state:
            link_state_to_task_run_result(state, self)
        return self


class NodeEdges:
    """The finished runs of one node: child runs, which count for every record, and cells, each for its own record."""

    def __init__(self, *shared: FinishedRun) -> None:
        self._shared = shared
        self._by_record: dict[str, list[FinishedRun]] = defaultdict(list)

    def add(self, scope: Scope, cell: FinishedRun) -> None:
        """Adds a cell of that record."""
        self._by_record[scope.record.record_id].append(cell)

    def of_records(self, scopes: Iterable[Scope]) -> Iterator[FinishedRun]:
        """The finished runs of this node that those records wait for."""
        for finished_run in self._shared:
            yield finished_run.linked()
        for scope in scopes:
            for finished_run in self._by_record.get(scope.record.record_id, ()):
                yield finished_run.linked()
