"""A subgraph, which is what one Prefect flow run consists of, and a node of it that is about to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from contract.flow import Loop, Node
from flows.engine.edges import FinishedRun, NodeEdges
from flows.engine.scope import Scope


@dataclass(frozen=True)
class Subgraph:
    """The nodes of one Prefect flow run, and the edges of those that have ended."""

    nodes: Mapping[str, Node]
    loop: Loop | None = None
    is_whole_run: bool = False
    edges: dict[str, NodeEdges] = field(default_factory=dict[str, NodeEdges])


@dataclass(frozen=True)
class NodeRun:
    """A node that is about to run: its name, the loop it is in, and the edges of the nodes it waited for."""

    name: str
    loop: Loop | None
    upstream: Sequence[NodeEdges]

    def wait_for(self, *scopes: Scope) -> list[FinishedRun]:
        """The runs that those records waited for."""
        return [finished_run for edges in self.upstream for finished_run in edges.of_records(scopes)]
