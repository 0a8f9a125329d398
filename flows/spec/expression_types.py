"""Finds the types of Jinja expressions, and the names that they ask of values and that cannot be there.

    tree = environment.parse("{% for one in answers %}{{ one.verdikt }}{% endfor %}")
    walk = ExpressionWalk(name_types([tree], {"answers": tuple[Judgement, ...]}))
    walk.visit(tree)
    walk.found["one.verdikt"].known             # ("verdict", …)

Nothing is run. A value of which the type is not known may have every name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jinja2 import nodes

from agents.safety.template_methods import METHOD_NAMES
from flows.spec.expression_bindings import Binding, bindings_of
from flows.spec.expression_texts import field_of_filter, field_of_items, optional_names, written
from flows.spec.output_types import (
    UNKNOWN_TYPE,
    UnknownField,
    common_type,
    field_names,
    item_type,
    list_type,
    type_at_attributes,
)

_LIST_FILTERS = frozenset({"list", "sort", "reverse", "unique", "select", "reject", "selectattr", "rejectattr"})
"""Filters that give a list of the same items."""
_ITEM_FILTERS = frozenset({"first", "last", "min", "max"})
_NESTING_FILTERS = frozenset({"batch", "slice"})
"""Filters that give a list of lists of the same items."""


@dataclass(frozen=True)
class WrongName:
    """A name that an expression asks of a value and that cannot be there."""

    line: int
    chain: str
    """As it stands in the expression: `answers[0].verdikt`."""
    name: str
    kind: Any
    """The type of the value that lacks the name; unknown for a name that is closed."""
    known: tuple[str, ...]
    """The names that can be there."""

    def with_name(self, name: str | None) -> str | None:
        """The chain with that name in the place of the wrong one."""
        return name and f"{self.chain.removesuffix(self.name)}{name}"


@dataclass(frozen=True)
class NameTypes:
    """The types of the names in expressions, as far as a name has one type everywhere."""

    known: Mapping[str, Any]
    looped: Collection[str] = ()
    """Names that nothing but loops bind, each within itself: they may have another type in each."""

    def within(self, name: str, kind: Any) -> NameTypes:
        """The types within a loop that binds the name to values of that type."""
        return replace(self, known={**self.known, name: kind}) if name in self.looped else self


@dataclass
class ExpressionWalk:
    """Walks a tree. `types` are those of the names in it; `found` gathers the wrong names, once for each chain."""

    types: NameTypes
    optional: Collection[str] = ()
    """Chains that may lack a value, such as one that is tested with `is defined`."""
    hidden: Mapping[Any, Collection[str]] = field(default_factory=dict[Any, Collection[str]])
    """Type -> fields that it has and that the expressions are not given."""
    closed: str = "__"
    """How the names begin that no expression may read with a point."""
    found: dict[str, WrongName] = field(default_factory=dict[str, WrongName])

    def visit(self, node: nodes.Node) -> None:
        """Looks at the node and at all below it."""
        if isinstance(node, nodes.For):
            self._visit_loop(node)
            return
        if isinstance(node, nodes.Filter):
            self._visit_items(node)
        if isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Filter):
            self.type_of(node)
        for child in _children(node):
            self.visit(child)

    def _visit_loop(self, loop: nodes.For) -> None:
        self.visit(loop.iter)
        outer = self.types
        if isinstance(loop.target, nodes.Name):
            self.types = outer.within(loop.target.name, item_type(self.type_of(loop.iter)))
        for child in (*loop.body, *([loop.test] if loop.test else [])):
            self.visit(child)
        self.types = outer
        for child in loop.else_:
            self.visit(child)

    def _visit_items(self, filter_: nodes.Filter) -> None:
        """Looks for the field that `map(attribute='reason')` and its like take of each item."""
        if filter_.node is not None and (dotted := field_of_items(filter_)) is not None:
            self._type_of_items(filter_, dotted)

    def _type_of_items(self, filter_: nodes.Filter, dotted: str) -> Any:
        item: nodes.Expr = nodes.Name("items", "load", lineno=filter_.lineno)
        for name in dotted.split("."):
            item = nodes.Getattr(item, name, "load", lineno=filter_.lineno)
        outer, kind = self.types, item_type(self.type_of(filter_.node)) if filter_.node else UNKNOWN_TYPE
        self.types = NameTypes({"items": kind})
        found = self.type_of(item)
        self.types = outer
        return found

    def type_of(self, node: nodes.Node) -> Any:
        """The type of what the node stands for, as far as it is known; a name that cannot be there is noted."""
        match node:
            case nodes.Name():
                return self.types.known.get(node.name, UNKNOWN_TYPE)
            case nodes.Const():
                return _type_of_value(node.value)
            case nodes.Filter():
                return self._type_of_filter(node)
            case nodes.Getattr():
                return self._type_of_field(node, node.attr)
            case nodes.Getitem():
                return self._type_of_item(node)
            case nodes.List() | nodes.Tuple():
                kind = common_type([self.type_of(item) for item in node.items])
                return tuple[Any, ...] if kind is UNKNOWN_TYPE else list_type(kind)
            case nodes.CondExpr() if node.expr2 is not None:
                return self._type_of_either(node.expr1, node.expr2)
            case nodes.Or() | nodes.Add():
                return self._type_of_either(node.left, node.right)
            case _:
                return UNKNOWN_TYPE

    def type_of_binding(self, binding: Binding) -> Any:
        """The type of what a name is bound to."""
        kind = self.type_of(binding.value) if binding.value else UNKNOWN_TYPE
        return item_type(kind) if binding.is_item else kind

    def _type_of_either(self, one: nodes.Node, other: nodes.Node) -> Any:
        return common_type([self.type_of(part) for part in (one, other) if not _is_empty(part)])

    def _type_of_filter(self, node: nodes.Filter) -> Any:
        if node.node is None:
            return UNKNOWN_TYPE
        if named := field_of_filter(node):
            return self.type_of(named)
        kind = self.type_of(node.node)
        if node.name in _LIST_FILTERS:
            return kind
        if node.name in _ITEM_FILTERS:
            return item_type(kind)
        if node.name in _NESTING_FILTERS:
            return list_type(kind)
        if node.name == "map" and (dotted := field_of_items(node)):
            return list_type(self._type_of_items(node, dotted))
        if node.name in ("default", "d"):
            return kind if not node.args or _is_empty(node.args[0]) else UNKNOWN_TYPE
        return UNKNOWN_TYPE

    def _type_of_item(self, node: nodes.Getitem) -> Any:
        if isinstance(node.arg, nodes.Slice):
            return self.type_of(node.node)
        if isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            return self._type_of_field(node, node.arg.value)
        return item_type(self.type_of(node.node))

    def _type_of_field(self, node: nodes.Getattr | nodes.Getitem, name: str) -> Any:
        kind = self.type_of(node.node)
        if isinstance(node, nodes.Getattr) and name.startswith(self.closed):
            self._report(node, name, UNKNOWN_TYPE, ())
            return UNKNOWN_TYPE
        if kind is UNKNOWN_TYPE:
            return UNKNOWN_TYPE
        hidden = self.hidden.get(kind, ()) if isinstance(kind, type) else ()
        try:
            found = type_at_attributes(kind, [name])
        except UnknownField as error:
            self._report(node, name, kind, tuple(one for one in error.known if one not in hidden))
            return UNKNOWN_TYPE
        if name in hidden:
            self._report(node, name, kind, tuple(one for one in field_names(kind) if one not in hidden))
            return UNKNOWN_TYPE
        return found

    def _report(self, node: nodes.Node, name: str, kind: Any, known: tuple[str, ...]) -> None:
        text = written(node)
        if text not in self.optional:
            self.found.setdefault(text, WrongName(node.lineno, text, name, kind, known))


def name_types(trees: Collection[nodes.Node], declared: Mapping[str, Any]) -> NameTypes:
    """The types of the names that are declared or that the trees bind.

    What a name is bound to may itself be made of bound names, so it is looked at until nothing new is known.
    """
    optional = {text for tree in trees for text in optional_names(tree)}
    bindings = bindings_of(trees)
    looped = frozenset(name for name, values in bindings.items() if all(one.is_item for one in values))
    first = {name: kind for name, kind in declared.items() if name not in bindings}
    types = NameTypes(first, looped)
    for _ in bindings:
        walk, found = ExpressionWalk(types, optional), dict(first)
        for name, values in bindings.items():
            kinds = [walk.type_of_binding(one) for one in values]
            kind = common_type([*kinds, *([declared[name]] if name in declared else [])])
            if kind is not UNKNOWN_TYPE:
                found[name] = kind
        if found == types.known:
            break
        types = NameTypes(found, looped)
    return types


def _type_of_value(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return type(value)
    return tuple[Any, ...] if isinstance(value, list | tuple) else UNKNOWN_TYPE


def _is_empty(node: nodes.Node) -> bool:
    """Whether it stands for nothing, as in `answers or []`."""
    if isinstance(node, nodes.Const):
        return not node.value and not isinstance(node.value, bool | int | float)
    return isinstance(node, nodes.List | nodes.Tuple) and not node.items


def _children(node: nodes.Node) -> Iterator[nodes.Node]:
    """The nodes below that are looked at for themselves: not a function or a method that is called."""
    for child in node.iter_child_nodes():
        if isinstance(node, nodes.Call) and child is node.node:
            if isinstance(child, nodes.Name):
                continue
            if isinstance(child, nodes.Getattr) and child.attr in METHOD_NAMES:
                yield child.node
                continue
        yield child
