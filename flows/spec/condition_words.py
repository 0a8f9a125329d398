"""Says a condition of a usual kind in plain words: `answers | length >= 2` is "there are at least 2 answers"."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import Environment, TemplateSyntaxError
from jinja2.nodes import And, Compare, Const, Filter, Getattr, If, Name, Node, Not, Or

_NUMBERS = {"gteq": "at least", "gt": "more than", "lteq": "at most", "lt": "fewer than", "eq": "exactly"}
_OPPOSITES = {"gteq": "lt", "gt": "lteq", "lteq": "gt", "lt": "gteq"}
_PARAMETERS = "parameters."


def condition_words(text: str) -> str:
    """The condition in words; as it stands where it is of no usual kind."""
    test = _parsed(text)
    return (test and _words(test)) or text


def unmet_words(text: str, lengths: Mapping[str, int]) -> str | None:
    """Why a condition does not hold, in words: `answers | length >= 2` is "one answer" where that list has one item.

    `lengths` are those of the lists that are known. None where the condition is of no usual kind.
    """
    test = _parsed(text)
    if isinstance(test, Compare) and isinstance(test.expr, Filter) and test.expr.node and _number(test):
        name = _name(test.expr.node)
        if name and name in lengths:
            return _counted(lengths[name], name)
    return _words(test, is_true=False) if test else None


def _counted(number: int, name: str) -> str:
    singular = name[:-1] if name.endswith("s") and not name.endswith("ss") else name
    return {0: f"no {name}", 1: f"one {singular}"}.get(number, f"{number} {name}")


def _parsed(text: str) -> Node | None:
    try:
        [found] = Environment(autoescape=True).parse("{% if (" + text + ") %}{% endif %}").find_all(If)
    except (TemplateSyntaxError, ValueError):
        return None
    return found.test


def _words(node: Node, *, is_true: bool = True) -> str | None:
    if isinstance(node, Not):
        return _words(node.node, is_true=not is_true)
    if isinstance(node, And | Or):
        left, right = _words(node.left, is_true=is_true), _words(node.right, is_true=is_true)
        joint = "and" if isinstance(node, And) == is_true else "or"
        return f"{left} {joint} {right}" if left and right else None
    if isinstance(node, Compare):
        return _number(node, is_true=is_true)
    name = _name(node)
    if name is None:
        return None
    if name.startswith(_PARAMETERS):
        return f"‘{name.removeprefix(_PARAMETERS)}’ is {'' if is_true else 'not '}set"
    return f"there {'is' if is_true else 'is no'} ‘{name}’"


def _number(node: Compare, *, is_true: bool = True) -> str | None:
    [operand, *others] = node.ops
    counted, limit = node.expr, operand.expr
    operators = _NUMBERS if is_true else _OPPOSITES
    if others or operand.op not in operators or not isinstance(limit, Const) or not isinstance(counted, Filter):
        return None
    name = _name(counted.node) if counted.node and counted.name in ("length", "count") else None
    operator = operand.op if is_true else _OPPOSITES[operand.op]
    return f"there are {_NUMBERS[operator]} {limit.value} {name}" if name else None


def _name(node: Node) -> str | None:
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Getattr) and (of := _name(node.node)):
        return f"{of}.{node.attr}"
    return None
