"""Walks the nodes of a flow, those inside loops included, each with its key path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from contract.flow import FlowSpec, Gate, Loop, Node, Step
from flows.config.provenance import KeyPath


@dataclass(frozen=True)
class FlowNode:
    """A node, its name, its key path, and the loops that hold it, outermost first."""

    name: str
    node: Step | Loop | Gate
    path: KeyPath
    loops: tuple[str, ...] = ()


def walk_nodes(flow: FlowSpec, path: KeyPath) -> Iterator[FlowNode]:
    """Every node of the flow, a loop before its steps, in the order written."""
    yield from _walk_nodes(flow.steps, (*path, "steps"), ())


def _walk_nodes(nodes: Mapping[str, Node], path: KeyPath, loops: tuple[str, ...]) -> Iterator[FlowNode]:
    for name, node in nodes.items():
        at = (*path, name)
        yield FlowNode(name, node, at, loops)
        if isinstance(node, Loop):
            yield from _walk_nodes(node.loop, (*at, "loop"), (*loops, name))


def steps_of(flow: FlowSpec) -> dict[str, Step]:
    """Every agent step of the flow by name, those in loops included."""
    return {flow_node.name: flow_node.node for flow_node in walk_nodes(flow, ()) if isinstance(flow_node.node, Step)}


def map_steps(flow: FlowSpec, change: Callable[[Step, KeyPath], Step], path: KeyPath) -> FlowSpec:
    """The flow with each step replaced by what `change` makes of it."""
    return flow.model_copy(update={"steps": _map_nodes(flow.steps, change, (*path, "steps"))})


def _map_nodes(nodes: Mapping[str, Node], change: Callable[[Step, KeyPath], Step], path: KeyPath) -> dict[str, Node]:
    changed: dict[str, Node] = {}
    for name, node in nodes.items():
        at = (*path, name)
        if isinstance(node, Loop):
            changed[name] = node.model_copy(update={"loop": _map_nodes(node.loop, change, (*at, "loop"))})
        else:
            changed[name] = change(node, at) if isinstance(node, Step) else node
    return changed


def gives_list(step: Step) -> bool:
    """Whether references to the step stand for a list. The YAML decides this, not the number of outputs in a run."""
    return bool(step.variants) or step.repeats is not None or bool(step.group_by) or step.for_each is not None
