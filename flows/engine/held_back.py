"""What does not run for a record because of a question to a person: one that is open, or one that ended in a no."""

from __future__ import annotations

from collections.abc import Iterable

from contract.errors import NoAnswer, WaitsForPerson
from contract.flow import Gate, Loop, Node
from contract.questions import Answer, Question
from flows.engine.scope import Scope
from flows.spec.conditions import compile_condition
from flows.spec.graph import required_steps, steps_within
from flows.spec.references import parse_reference, reference_texts


def hold_back(name: str, node: Node, loop: Loop | None, scope: Scope) -> str | Exception | None:
    """Why the node does not run for the record; None if it may run. What depends on the node is then held back, too.

    An error stands for a cell that waits or has no output, a text for one that is skipped.
    """
    if not scope.waiting and not scope.held:
        return None
    host = {loop.host} if loop and loop.host and name != loop.host else set[str]()
    needed = required_steps(node) | host
    if waits_for := sorted(needed & scope.waiting.keys()):
        reason = scope.waiting[waits_for[0]]
        for one in _names(name, node):
            scope.waiting[one] = reason
        return WaitsForPerson(reason)
    decided_itself = _named_in_condition(node) - scope.unanswered
    if held := sorted(needed & scope.held.keys() - decided_itself):
        why = scope.held[held[0]]
        for one in _names(name, node):
            scope.held[one] = str(why)
        # Where nobody was asked, no condition on the answer decides.
        scope.unanswered |= _gates(name, node)
        return why
    return None


def wait_for_person(name: str, node: Node, scope: Scope, reason: str) -> None:
    """Marks the node as one that waits, with all that depends on it."""
    for one in _names(name, node):
        scope.waiting[one] = reason


def hold_after(question: Question, answer: Answer, scope: Scope) -> None:
    """Marks a gate after which nothing goes on for the record, unless a condition names the gate."""
    gate = question.gate
    if answer.decision == "reject":
        scope.held[gate] = f"rejected at '{gate}'{answer.reason}"
    elif answer.decision in ("skip", "fail"):
        scope.unanswered.add(gate)
        scope.given_up.add(gate)
        text = f"at '{gate}' {answer.comment}"
        scope.held[gate] = NoAnswer(text) if answer.decision == "fail" else text


def stops_waiting(name: str, loop: Loop, scope: Scope) -> bool:
    """Whether a step of the loop waits for a person: then the whole loop does, and no further round begins."""
    waits_for = next((one for one in steps_within(loop) if one in scope.waiting), None)
    if waits_for is None:
        return False
    wait_for_person(name, loop, scope, scope.waiting[waits_for])
    return True


def forget_held(loop: Loop, scope: Scope) -> None:
    """Forgets what was held back in the round before: each round asks anew."""
    for name in steps_within(loop):
        scope.held.pop(name, None)
        scope.unanswered.discard(name)


def _names(name: str, node: Node) -> Iterable[str]:
    return (name, *steps_within(node)) if isinstance(node, Loop) else (name,)


def _gates(name: str, node: Node) -> set[str]:
    if not isinstance(node, Loop):
        return {name} if isinstance(node, Gate) else set()
    return set[str]().union(*(_gates(inner, child) for inner, child in node.loop.items()))


def _named_in_condition(node: Node) -> set[str]:
    """The steps that the node's condition names, itself or through an input."""
    if not node.when:
        return set()
    names = set(compile_condition(node.when).names)
    for name, references in () if isinstance(node, Loop) else node.inputs.items():
        if name in names:
            names |= {step for text in reference_texts(references) if (step := parse_reference(text).step)}
    return names
