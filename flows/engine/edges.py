"""Edges: what a run waited for, as the Prefect UI draws it.

Prefect draws an edge for each state, or result of a run, in `wait_for`. A state it also walks, its data and all, which
costs far more than the edge; and the shared strings it meets there may be known to it as another run's result, which
draws edges that are not there. So what has ended is passed as an empty result of its own, good for nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import State
from prefect.utilities.engine import link_state_to_flow_run_result, link_state_to_task_run_result

from flows.engine.scope import Scope


class FinishedRun:
    """A run that has ended, well or not: what comes after it may begin."""

    task_run_id: UUID | None = None
    """Of a cell's task run."""
    _unlinked: State[Any] | None = None

    @classmethod
    def of_task_run(cls, state: State[Any]) -> FinishedRun:
        """A task run in the present flow run that came to that state."""
        finished_run = cls()
        finished_run.task_run_id = state.state_details.task_run_id
        finished_run._unlinked = state
        return finished_run

    @classmethod
    def of_subflow(cls, state: State[Any]) -> FinishedRun:
        """A child run of the present flow run that came to that state."""
        finished_run = cls()
        link_state_to_flow_run_result(state, finished_run)
        return finished_run

    def linked(self) -> FinishedRun:
        """Known to Prefect now: only when something waits for it, since most cells of a large run are the last."""
        state, self._unlinked = self._unlinked, None
        if state:
            link_state_to_task_run_result(state, self)
        return self


class NodeEdges:
    """What has ended of one node: child runs, which stand for every record, and cells, each for its own record."""

    def __init__(self, *shared: FinishedRun) -> None:
        self._shared = shared
        self._by_record: dict[str, list[FinishedRun]] = defaultdict(list)

    def add(self, scope: Scope, cell: FinishedRun) -> None:
        """Takes in a cell of that record."""
        self._by_record[scope.record.record_id].append(cell)

    def of_records(self, scopes: Iterable[Scope]) -> Iterator[FinishedRun]:
        """What those records waited for."""
        for finished_run in self._shared:
            yield finished_run.linked()
        for scope in scopes:
            for finished_run in self._by_record.get(scope.record.record_id, ()):
                yield finished_run.linked()
