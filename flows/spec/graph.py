"""The graph of a flow: which step waits for which, from their inputs and conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contract.flow import Gate, Loop, Node, Step
from flows.spec.conditions import compile_condition
from flows.spec.references import parse_reference, reference_texts


def input_references(node: Step | Gate) -> Iterator[tuple[str, str]]:
    """Each reference of the node's inputs: (input, reference)."""
    for name, references in node.inputs.items():
        for text in reference_texts(references):
            yield name, text


def upstream(node: Step | Gate) -> frozenset[str]:
    """Names of the steps that the node's inputs refer to, of this turn or the one before."""
    return frozenset(step for _, text in input_references(node) if (step := parse_reference(text).step))


def required_steps(node: Node) -> frozenset[str]:
    """Names of the steps whose output of this turn the node uses, without its own inner steps."""
    if isinstance(node, Loop):
        inner = frozenset[str]().union(*(required_steps(child) for child in node.loop.values()))
        return (inner | _names_in_conditions(node)) - set(steps_within(node))
    named = {
        parsed.step
        for _, text in input_references(node)
        if (parsed := parse_reference(text)).root == "step" and parsed.step
    }
    # In a condition an input's name stands for the input, also where a step has that name.
    return frozenset(named) | (_names_in_conditions(node) - set(node.inputs))


def _names_in_conditions(node: Node) -> frozenset[str]:
    texts = [node.when, node.until if isinstance(node, Loop) else None]
    return frozenset[str]().union(*(compile_condition(text).names for text in texts if text))


def steps_within(loop: Loop) -> Iterator[str]:
    """Names of every step in the loop, those of inner loops included."""
    for name, node in loop.loop.items():
        yield name
        if isinstance(node, Loop):
            yield from steps_within(node)


def dependencies(nodes: Mapping[str, Node], host: str | None = None) -> dict[str, frozenset[str]]:
    """For each node the nodes of the same level that must end before it begins.

    A step inside a loop stands for its loop. With `host`, every node that the host does not itself need waits for the
    host, since the host decides which steps run.
    """
    owner = {inner: name for name, node in nodes.items() for inner in (*_inner_steps(node), name)}
    direct = {
        name: frozenset(owner[n] for n in required_steps(node) if n in owner) - {name} for name, node in nodes.items()
    }
    if host is None:
        return direct
    before = _ancestors(host, direct) | {host}
    return {name: waits if name in before else waits | {host} for name, waits in direct.items()}


def _inner_steps(node: Node) -> Iterator[str]:
    if isinstance(node, Loop):
        yield from steps_within(node)


def _ancestors(name: str, direct: Mapping[str, frozenset[str]]) -> frozenset[str]:
    found = set[str]()
    waiting = list(direct[name])
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += direct[one]
    return frozenset(found)
