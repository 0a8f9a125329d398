"""Approvals: the steps of a loop that a person has to let through become gates before them."""

from __future__ import annotations

from contract.flow import FlowSpec, Gate, Loop, Node, Step


def with_approvals(spec: FlowSpec) -> FlowSpec:
    """The flow with a gate before each step that a loop's `approve` names; names that are no choices stay as they are.

    The gate shows what the host asks for. Where the person says no, the step is skipped, and the loop goes on.
    """
    return spec.model_copy(update={"steps": _with_gates(spec.steps)})


def _with_gates(nodes: dict[str, Node]) -> dict[str, Node]:
    return {name: _loop_with_gates(node) if isinstance(node, Loop) else node for name, node in nodes.items()}


def _loop_with_gates(loop: Loop) -> Loop:
    nodes = _with_gates(loop.loop)
    for name in loop.approve:
        step = nodes.get(name)
        if loop.host and name in loop.choices and isinstance(step, Step):
            gate = f"approve_{name}"
            nodes[gate] = _gate(name, loop.host)
            let_through = f"{gate}.approved"
            nodes[name] = step.model_copy(
                update={"when": f"{let_through} and ({step.when})" if step.when else let_through}
            )
    return loop.model_copy(update={"loop": nodes})


def _gate(step: str, host: str) -> Gate:
    return Gate(
        gate=f"May the step '{step}' run?",
        decide=("approve", "reject"),
        inputs={"arguments": f"{host}.inputs", "reason": f"{host}.metadata"},
        when=f"{host}.target == '{step}'",
        description=f"A person lets '{step}' through, or not.",
    )
