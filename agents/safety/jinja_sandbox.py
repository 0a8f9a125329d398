"""Sandbox: Jinja for templates and conditions, without access to Python's internals and with limits.

A study can come from an untrusted source. Jinja's own sandbox keeps its templates from Python's internals; the limits
here keep them from filling the memory and from never ending.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_SIZE = 10_000_000
"""The largest number that may be written or multiplied, and the longest text or list that may be multiplied."""
MAX_ITERATIONS = 1_000_000
"""Turns of all the `range(…)` in one rendering of a template."""
_MAX_EXPONENT = 10
_WIDE_FIELD = re.compile(r"\d{5}")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with limits. Raises SecurityError, with a plain message, for what exceeds them."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # It makes random text, so a prompt would differ each time.
        self.globals.pop("lipsum", None)
        self.filters["format"] = _format

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all(nodes.Const):
            if isinstance(node.value, int) and abs(node.value) > MAX_SIZE:
                raise SecurityError(f"the number {str(node.value)[:20]} is larger than {MAX_SIZE:,}")
        return tree

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`left * right`, `left ** right` or `left % right`, within the limits."""
        if operator == "*":
            _check_product(left, right)
        elif operator == "**":
            _check_power(left, right)
        elif operator == "%" and isinstance(left, str):
            _check_format(left)
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Any:
        """Returns None. Raises SecurityError if the value is a text's `format`, which writes fields of any width."""
        if super().wrap_str_format(value) is not None:
            raise SecurityError("`format` is not to be had here; join texts with ~")


class BoundedRange:
    """`range` for one rendering of a template."""

    def __init__(self) -> None:
        self._remaining = MAX_ITERATIONS

    def __call__(self, *bounds: int) -> range:
        """Returns the range. Raises SecurityError when all ranges of the rendering together are too long."""
        found = range(*bounds)
        try:
            self._remaining -= len(found)
        except OverflowError:
            self._remaining = -1
        if self._remaining < 0:
            raise SecurityError(f"the loops take more than {MAX_ITERATIONS:,} turns")
        return found


def with_bounded_range(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the values for a template, with a `range` that is bounded."""
    return {"range": BoundedRange(), **values}


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else 0


def _check_product(left: Any, right: Any) -> None:
    if _size(left) * _size(right) > MAX_SIZE:
        raise SecurityError(f"the product is larger than {MAX_SIZE:,}")


def _check_power(left: Any, right: Any) -> None:
    if _size(left) > MAX_SIZE or _size(right) > _MAX_EXPONENT or _size(left) ** _size(right) > MAX_SIZE:
        raise SecurityError(f"the power is larger than {MAX_SIZE:,}")


def _check_format(text: str) -> None:
    if _WIDE_FIELD.search(text):
        raise SecurityError("a field of the format is too wide")


def _format(value: Any, *args: Any, **kwargs: Any) -> str:
    text = str(value)
    _check_format(text)
    return text % (kwargs or args)
