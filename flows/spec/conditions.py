"""Conditions: the `when` and `until` of a flow, as Jinja expressions in a sandbox.

    condition = compile_condition("answers | length >= 2")
    condition.names                       # {"answers"}
    condition.evaluate({"answers": [...]})

Only the text in the study's YAML is ever compiled; records and replies are values and are never evaluated. The output
of a skipped step is null, and a field of null is null, so `check.sufficient` is false before `check` has an output.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, cast

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.nodes import Compare, Const, Node, Template

from agents.safety.free_names import free_names
from agents.safety.jinja_sandbox import Sandbox
from agents.safety.template_budget import template_budget


class _Sandbox(Sandbox):
    """Fields of mappings only, never their methods; fields of null are null."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if obj is None:
            return None
        if isinstance(obj, Mapping):
            mapping = cast("Mapping[str, Any]", obj)
            return mapping[attribute] if attribute in mapping else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


@cache
def _sandbox() -> Environment:
    environment = _Sandbox(undefined=StrictUndefined, autoescape=False)
    environment.globals.clear()
    environment.filters |= {"length": _length, "count": _length}
    return environment


def _length(value: Any) -> int:
    """The length of a value; 0 for null, which is the output of a skipped step."""
    return 0 if value is None else len(value)


@dataclass(frozen=True)
class Condition:
    """A compiled condition."""

    text: str
    names: frozenset[str]
    """The names whose values it needs."""
    tree: Template = field(repr=False, compare=False)
    """As Jinja parsed it."""
    numbers: tuple[Node, ...] = field(repr=False, compare=False)
    """What it compares with a number as it is."""
    _expression: TemplateExpression = field(repr=False, compare=False)

    def evaluate(self, values: Mapping[str, Any]) -> bool:
        """Whether the condition holds; a name that is not in `values` is null.

        Raises ValueError, with a plain message, when it cannot be decided from the values.
        """
        wanted = {name: values.get(name) for name in self.names}
        try:
            with template_budget():
                found = self._expression(**wanted)
            if isinstance(found, Undefined):
                raise ValueError(f"the condition '{self.text}' names what has no value")
            return bool(found)
        except UndefinedError as error:
            raise ValueError(f"the condition '{self.text}' cannot be decided: {error.message}") from None
        except (TemplateError, TypeError, ArithmeticError, AttributeError, LookupError, MemoryError) as error:
            raise ValueError(f"the condition '{self.text}' cannot be decided: {error}") from None


@lru_cache(maxsize=256)
def compile_condition(text: str) -> Condition:
    """Compiles a condition. Raises ValueError, with a plain message, when `text` is not one."""
    environment = _sandbox()
    try:
        expression = environment.compile_expression(text, undefined_to_none=False)
        tree = environment.parse("{% if (" + text + ") %}{% endif %}")
    except TemplateSyntaxError as error:
        raise ValueError(f"'{text}' is not a condition: {_readable_message(error.message or '')}") from None
    except (SecurityError, RecursionError) as error:
        raise ValueError(f"'{text[:200]}' is not a condition: {error}") from None
    names = free_names(tree)
    return Condition(text, names, tree, tuple(_numbers(tree)), expression)


def _readable_message(message: str) -> str:
    if "end of" in message and "unexpected" in message:
        return "it ends too early"
    if "chunk after expression" in message:
        return "two of its parts stand side by side; join them with and, or, not, in small letters"
    return message


def _numbers(tree: Node) -> Iterator[Node]:
    for node in tree.find_all(Compare):
        sides = [node.expr, *(operand.expr for operand in node.ops if operand.op not in ("in", "notin"))]
        numbers = [side for side in sides if isinstance(side, Const) and isinstance(side.value, int | float)]
        if numbers:
            yield from (side for side in sides if side not in numbers)
