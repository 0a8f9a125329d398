"""Sandbox: Jinja for templates and conditions, without access to Python's internals and with limits.

A study can come from an untrusted source. Jinja's own sandbox keeps its templates from Python's internals; the budget
here keeps them from filling the memory and from never ending. And a template gives the same text each time: names come
from the data before they come from Python, and nothing is written whose text is an address in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, cast

from jinja2 import Template, TemplateAssertionError, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from agents.safety.template_budget import (
    MAX_ITEMS,
    MAX_SIZE,
    MAX_TURNS,
    TURNS_OF_A_CALL,
    TURNS_OF_A_TEMPLATE,
    check_characters,
    check_depth,
    check_items,
    current_budget,
    text_size,
)
from agents.safety.template_filters import NOT_DETERMINISTIC, bounded_filter, bounded_filters, check_format
from agents.safety.template_methods import find_method, is_data

_MAX_EXPONENT = 10
_CONCATENATE, _TURNS, _PART = "(texts joined by ~)", "(turns of a loop)", "(part of a text or list)"
_TUPLE = "(tuple)"
"""Filters that stand for what Jinja does without asking its environment. No template can name them."""


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with limits. Raises SecurityError, with a plain message, for what exceeds them.

    What it makes is evaluated within `template_budget()`.
    """

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, **settings: Any) -> None:
        super().__init__(finalize=_finalize, **settings)
        # It makes random text, so a prompt would differ each time.
        self.globals.pop("lipsum", None)
        self.globals["range"] = _bounded_range  # type: ignore[reportArgumentType]
        self.filters = bounded_filters(self.filters)
        self.filters |= {_CONCATENATE: _concatenate, _TURNS: _count_turns, _PART: _count_part, _TUPLE: _count_tuple}

    def add_filter(self, name: str, function: Any) -> None:
        """Adds a filter of ours, with the bounds of all others."""
        self.filters[name] = bounded_filter(name, function)

    def concat(self, texts: Iterable[str]) -> str:  # type: ignore[reportIncompatibleVariableOverride]
        """Joins what a template, a macro or a block wrote."""
        return current_budget().join(texts)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: a value of the data, else a method that can only be called."""
        if not is_data(obj):
            return super().getattr(obj, attribute)
        if attribute.startswith("_"):
            return self.unsafe_undefined(obj, attribute)
        if attribute in getattr(obj, "_fields", ()):
            return getattr(obj, attribute)
        try:
            return obj[attribute]
        except (TypeError, LookupError):
            return self._method(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`: a value of the data, else a method that can only be called."""
        if not is_data(obj):
            return super().getitem(obj, argument)
        try:
            return obj[argument]
        except (TypeError, LookupError):
            return self.getattr(obj, argument) if isinstance(argument, str) else self.undefined(obj=obj, name=argument)

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Calls a macro, a method or a function."""
        current_budget().take_turns(TURNS_OF_A_CALL)
        check_depth(args)
        return super().call(__context, __obj, *args, **kwargs)

    def get_template(self, name: Any, parent: str | None = None, globals: Any = None) -> Template:
        """The template that another one includes."""
        current_budget().take_turns(TURNS_OF_A_TEMPLATE)
        return super().get_template(name, parent, globals)

    def select_template(self, names: Any, parent: str | None = None, globals: Any = None) -> Template:
        """The first of those templates that there is."""
        current_budget().take_turns(TURNS_OF_A_TEMPLATE)
        return super().select_template(names, parent, globals)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`left * right`, `left ** right`, `left % right` or `left + right`, within the limits."""
        if operator == "*":
            _check_product(left, right)
        elif operator == "**":
            _check_power(left, right)
        elif operator == "%" and isinstance(left, str):
            check_format(left, right)
        elif operator == "+":
            _check_sum(left, right)
        result = super().call_binop(context, operator, left, right)
        current_budget().take_value(result)
        return result

    def _method(self, obj: Any, name: str) -> Any:
        if isinstance(obj, str) and name in ("format", "format_map"):
            raise SecurityError("`format` is not to be had here; join texts with ~")
        method = find_method(obj, name)
        return self.undefined(obj=obj, name=name) if method is None else method

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for node in tree.find_all(nodes.Const):
            if isinstance(node.value, int) and abs(node.value) > MAX_SIZE:
                raise SecurityError(f"the number {str(node.value)[:20]} is larger than {MAX_SIZE:,}")
        return tree

    def take_unknown_names(self, tree: nodes.Template) -> tuple[tuple[int, str], ...]:
        """As `unknown_names`. Others that there are take their place, so that the rest of the tree can be looked at."""
        found = tuple(self.unknown_names(tree))
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            known, stand_in = (self.filters, "trim") if isinstance(node, nodes.Filter) else (self.tests, "none")
            node.name = node.name if node.name in known else stand_in
        return found

    def unknown_names(self, tree: nodes.Template) -> Iterator[tuple[int, str]]:
        """Filters and tests that a template asks for and cannot use: the line, and what is wrong."""
        for node in tree.find_all((nodes.Filter, nodes.Test)):
            known = self.filters if isinstance(node, nodes.Filter) else self.tests
            if node.name not in known:
                yield node.lineno, _unknown(node.name, "filter" if isinstance(node, nodes.Filter) else "test", known)

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        for line, message in self.unknown_names(source):
            raise TemplateAssertionError(message, line, name, filename)
        return super()._generate(_Bounds().visit(source), name, filename, defer_init)


class _Bounds(NodeTransformer):
    """Puts a filter of ours around each operation that Jinja does without asking its environment."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        first, *others = node.nodes
        return _filtered(first, _CONCATENATE, others)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.iter = _filtered(cast("nodes.Expr", node.iter), _TURNS)
        return node

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, _TUPLE) if node.ctx == "load" else node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, _PART) if isinstance(node.arg, nodes.Slice) else node


def _filtered(node: nodes.Expr, name: str, args: list[nodes.Expr] | None = None) -> nodes.Filter:
    return nodes.Filter(node, name, args or [], [], None, None, lineno=node.lineno, environment=node.environment)


def _unknown(name: str, kind: str, known: Iterable[str]) -> str:
    if kind == "filter" and name in NOT_DETERMINISTIC:
        return f"the filter '{name}' gives another text each time, so no answer could be found again; leave it out"
    near = get_close_matches(name, [one for one in known if one.isidentifier()], n=1)
    return f"there is no {kind} '{name}'" + (f"; did you mean '{near[0]}'?" if near else "")


@pass_context
def _finalize(context: Context, value: Any) -> Any:  # noqa: ARG001
    """Checks what a template writes. It takes the context so that Jinja does not call it while compiling."""
    current_budget().take(text_size(value))
    return value


def _concatenate(*values: Any) -> str:
    for value in values:
        text_size(value)
    return current_budget().join(map(str, values))


def _count_turns(values: Iterable[Any]) -> Iterable[Any]:
    items: Any = values if hasattr(values, "__len__") else list(values)
    current_budget().take_turns(len(items))
    return items


def _count_tuple(value: tuple[Any, ...]) -> tuple[Any, ...]:
    current_budget().take_value(value)
    check_depth(value)
    return value


def _count_part(part: Any) -> Any:
    current_budget().take_value(part)
    return part


def _bounded_range(*bounds: int) -> range:
    """Returns the range. Raises SecurityError for one with too many numbers."""
    found = range(*bounds)
    if not _is_shorter(found, MAX_TURNS):
        raise SecurityError(f"the loops take more than {MAX_TURNS:,} turns")
    return found


def _is_shorter(numbers: range, limit: int) -> bool:
    try:
        return len(numbers) <= limit
    except OverflowError:
        return False


def _size(value: Any) -> float:
    return abs(value) if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else 0


def _check_product(left: Any, right: Any) -> None:
    is_list = any(isinstance(value, list | tuple) for value in (left, right))
    limit = MAX_ITEMS if is_list else MAX_SIZE
    if _size(left) * _size(right) > limit:
        raise SecurityError(f"the product is larger than {limit:,}")


def _check_power(left: Any, right: Any) -> None:
    if _size(left) > MAX_SIZE or _size(right) > _MAX_EXPONENT or _size(left) ** _size(right) > MAX_SIZE:
        raise SecurityError(f"the power is larger than {MAX_SIZE:,}")


def _check_sum(left: Any, right: Any) -> None:
    for value in (left, right):
        if isinstance(value, int) and value.bit_length() > MAX_SIZE:
            raise SecurityError("the sum is too large")
    if isinstance(left, str) and isinstance(right, str):
        check_characters(len(left) + len(right))
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        check_items(len(cast("list[Any]", left)) + len(cast("list[Any]", right)))
