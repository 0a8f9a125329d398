"""Says a condition of a usual kind in plain words: `answers | length >= 2` is "there are at least 2 answers"."""

from __future__ import annotations

from jinja2 import Environment, TemplateSyntaxError
from jinja2.nodes import And, Compare, Const, Filter, Getattr, If, Name, Node, Not, Or

_NUMBERS = {"gteq": "at least", "gt": "more than", "lteq": "at most", "lt": "fewer than", "eq": "exactly"}
_PARAMETERS = "parameters."


def condition_words(text: str) -> str:
    """The condition in words; as it stands where it is of no usual kind."""
    try:
        [found] = Environment(autoescape=True).parse("{% if (" + text + ") %}{% endif %}").find_all(If)
    except (TemplateSyntaxError, ValueError):
        return text
    return _words(found.test) or text


def _words(node: Node, *, is_true: bool = True) -> str | None:
    if isinstance(node, Not):
        return _words(node.node, is_true=not is_true)
    if isinstance(node, And | Or):
        left, right = _words(node.left, is_true=is_true), _words(node.right, is_true=is_true)
        joint = "and" if isinstance(node, And) == is_true else "or"
        return f"{left} {joint} {right}" if left and right else None
    if isinstance(node, Compare):
        return _number(node) if is_true else None
    name = _name(node)
    if name is None:
        return None
    if name.startswith(_PARAMETERS):
        return f"‘{name.removeprefix(_PARAMETERS)}’ is {'' if is_true else 'not '}wanted"
    return f"there {'is' if is_true else 'is no'} ‘{name}’"


def _number(node: Compare) -> str | None:
    [operand, *others] = node.ops
    counted, limit = node.expr, operand.expr
    if others or operand.op not in _NUMBERS or not isinstance(limit, Const) or not isinstance(counted, Filter):
        return None
    name = _name(counted.node) if counted.node and counted.name in ("length", "count") else None
    return f"there are {_NUMBERS[operand.op]} {limit.value} {name}" if name else None


def _name(node: Node) -> str | None:
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Getattr) and (of := _name(node.node)):
        return f"{of}.{node.attr}"
    return None
