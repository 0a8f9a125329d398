"""Finds the names that a template asks of a record or a criterion and that neither has, such as `record.txt`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import nodes
from pydantic import BaseModel

from agents.prompting.criteria import Criterion
from agents.prompting.templates import TemplatePart
from agents.safety.template_methods import METHOD_NAMES
from contract.record import Record
from flows.spec.output_types import UNKNOWN_TYPE, UnknownField, item_type, type_at_attributes

_OPTIONAL_FILTERS = frozenset({"default", "d"})
TYPES: Mapping[str, Any] = {"record": Record, "criterion": Criterion}
"""Variable -> its type, for those that are the same for every agent."""
_HIDDEN: Mapping[Any, Mapping[str, str]] = {
    Record: {"ground_truth": "no model is shown what people answered"},
    Criterion: {
        "name": "a template is given a criterion without its name",
        "about": "of a criterion's front matter, a template is given title, verdicts, examples and codebook",
    },
}
"""Type -> fields that no template is given, each with the reason."""
_FILTERS_BY_FIELD = frozenset({"groupby", "selectattr", "rejectattr"})
"""Filters whose first argument is a field of each item. In others it is named: `map(attribute='reason')`."""
_LIST_FILTERS = frozenset({"list", "sort", "reverse", "unique", "select", "reject", "selectattr", "rejectattr"})
"""Filters that give a list of the same items."""
_ITEM_FILTERS = frozenset({"first", "last", "min", "max"})
_OPTIONAL_TESTS = frozenset({"defined", "undefined"})
_FUNCTIONS = frozenset({"range", "dict", "cycler", "joiner", "namespace"})
"""Functions that every template has. The name of one alone would be filled in as a place in memory."""


@dataclass(frozen=True)
class UnknownName:
    """A name that a template asks of a value and that cannot be there."""

    path: Path | None
    """The file, which may be one that the template includes; None for a template given as text."""
    line: int
    chain: str
    """As it stands in the template: `record.txt`."""
    name: str
    known: tuple[str, ...]
    """The names that can be there."""
    why: str


class TemplateNames:
    """The names that the parts of a template ask of its variables. What it sets and what it tests is looked up once."""

    def __init__(self, parts: tuple[TemplatePart, ...]) -> None:
        self._parts = parts
        self._assigned = Counter(name for part in parts for name in _assigned_names(part.tree))
        self._guarded = {text for part in parts for text in _guarded(part.tree)}

    def unknown(self, variables: Collection[str]) -> Iterator[UnknownName]:
        """The names that cannot be there, once for each chain. One that is tested with `is defined` is none."""
        known = {name: kind for name, kind in TYPES.items() if name in variables and name not in self._assigned}
        for part in self._parts:
            for name, values in _aliases(part.tree).items():
                if self._assigned[name] == len(values) and name not in variables:
                    # What is wrong with a value is found where it stands.
                    kinds = [_Walk(part.path, self._guarded).type_of(value, known) for value in values]
                    known[name] = kinds[0] if all(kind is kinds[0] for kind in kinds) else UNKNOWN_TYPE
        functions = _FUNCTIONS - self._assigned.keys() - set(variables)
        for part in self._parts:
            walk = _Walk(part.path, self._guarded, functions)
            walk.visit(part.tree, known)
            yield from walk.found.values()

    def of_metadata(self) -> Iterator[tuple[str, Path | None, int]]:
        """The fields of a record's metadata that the template needs, each with its file and line.

        None where it sets `record` itself or looks at the metadata before (`'ward' in record.metadata`).
        """
        searched = (one for part in self._parts for one in _searched(part.tree))
        if "record" in self._assigned or any(map(_is_metadata, searched)):
            return
        for part in self._parts:
            for node in part.tree.find_all((nodes.Getattr, nodes.Getitem)):
                text = _dotted(node) if _is_metadata(node.node) else None
                name = text and text.removeprefix("record.metadata.")
                if name and text not in self._guarded and name not in METHOD_NAMES:
                    yield name, part.path, node.lineno


def _is_metadata(node: nodes.Node) -> bool:
    return _dotted(node) == "record.metadata"


def _searched(tree: nodes.Node) -> Iterator[nodes.Node]:
    for operand in tree.find_all(nodes.Operand):
        if operand.op in ("in", "notin"):
            yield operand.expr


def _dotted(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        before = _dotted(node.node)
        return before and f"{before}.{node.attr}"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        before = _dotted(node.node)
        return before and f"{before}.{node.arg.value}"
    return None


def _assigned_names(tree: nodes.Node) -> Iterator[str]:
    """Names that the template sets itself. What a loop sets is known in the loop, unless it hides a variable."""
    for node in tree.find_all(nodes.Name):
        if node.ctx != "load":
            yield node.name


def _aliases(tree: nodes.Node) -> dict[str, list[nodes.Node]]:
    """What `{% set r = record %}` makes a second name of, each time."""
    found: dict[str, list[nodes.Node]] = {}
    for node in tree.find_all(nodes.Assign):
        if isinstance(node.target, nodes.Name) and _dotted(node.node):
            found.setdefault(node.target.name, []).append(node.node)
    return found


def _guarded(tree: nodes.Node) -> Iterator[str]:
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        optional = _OPTIONAL_TESTS if isinstance(node, nodes.Test) else _OPTIONAL_FILTERS
        if node.name in optional and node.node is not None and (text := _dotted(node.node)):
            yield text


@dataclass
class _Walk:
    path: Path | None
    guarded: set[str]
    functions: Collection[str] = ()
    found: dict[str, UnknownName] = field(default_factory=dict[str, UnknownName])

    def visit(self, node: nodes.Node, types: Mapping[str, Any]) -> None:
        """Looks at the node and all below it; `types` are those of the names that are known there."""
        if isinstance(node, nodes.For):
            self._visit_loop(node, types)
            return
        if isinstance(node, nodes.Output):
            for written in node.nodes:
                self._report_function(written)
        elif isinstance(node, nodes.Filter):
            if field := _field_of_filter(node):
                self.type_of(field, types)
            self._visit_items(node, types)
        elif isinstance(node, nodes.Getattr | nodes.Getitem):
            self.type_of(node, types)
        for child in _children(node):
            self.visit(child, types)

    def _visit_loop(self, loop: nodes.For, types: Mapping[str, Any]) -> None:
        self.visit(loop.iter, types)
        inner = dict(types)
        if isinstance(loop.target, nodes.Name):
            inner[loop.target.name] = item_type(self.type_of(loop.iter, types))
        for child in (*loop.body, *loop.else_, *([loop.test] if loop.test else [])):
            self.visit(child, inner)

    def _visit_items(self, filter_: nodes.Filter, types: Mapping[str, Any]) -> None:
        """Looks for the field that `map(attribute='reason')` and its like take of each item."""
        if filter_.node is None or (dotted := _field_of_items(filter_)) is None:
            return
        item: nodes.Expr = nodes.Name("items", "load", lineno=filter_.lineno)
        for name in dotted.split("."):
            item = nodes.Getattr(item, name, "load", lineno=filter_.lineno)
        self.type_of(item, {"items": item_type(self.type_of(filter_.node, types))})

    def _report_function(self, node: nodes.Node | None) -> None:
        while isinstance(node, nodes.Filter):
            node = node.node
        if isinstance(node, nodes.Name) and node.name in self.functions:
            why = f"it is a function of templates; write {node.name}(…) to call it"
            self.found.setdefault(node.name, UnknownName(self.path, node.lineno, node.name, node.name, (), why))

    def type_of(self, node: nodes.Node, types: Mapping[str, Any]) -> Any:
        """The type of what the node stands for, as far as it is known; a name that cannot be there is noted."""
        if isinstance(node, nodes.Name):
            return types.get(node.name, UNKNOWN_TYPE)
        if isinstance(node, nodes.Filter) and node.node is not None:
            kind = self.type_of(node.node, types) if node.name in _LIST_FILTERS | _ITEM_FILTERS else UNKNOWN_TYPE
            return item_type(kind) if node.name in _ITEM_FILTERS else kind
        text = _dotted(node)
        if not text or not isinstance(node, nodes.Getattr | nodes.Getitem):
            return UNKNOWN_TYPE
        kind = self.type_of(node.node, types)
        name = text.rpartition(".")[2]
        if kind is UNKNOWN_TYPE:
            return UNKNOWN_TYPE
        hidden: Mapping[str, str] = _HIDDEN.get(kind, {}) if isinstance(kind, type) else {}
        try:
            if name in hidden:
                raise UnknownField(name, _fields_of(kind))
            return type_at_attributes(kind, [name])
        except UnknownField as error:
            if text not in self.guarded:
                known = tuple(one for one in error.known if one not in hidden)
                why = hidden.get(name) or _reason(kind, name, known)
                self.found.setdefault(text, UnknownName(self.path, node.lineno, text, name, known, why))
            return UNKNOWN_TYPE


def _children(node: nodes.Node) -> Iterator[nodes.Node]:
    """The nodes below that are looked at for themselves: no function or method that is called, no part of a chain."""
    for child in node.iter_child_nodes():
        if isinstance(node, nodes.Getattr | nodes.Getitem) and _dotted(child):
            continue
        if isinstance(node, nodes.Call) and child is node.node:
            if isinstance(child, nodes.Name):
                continue
            if isinstance(child, nodes.Getattr) and child.attr in METHOD_NAMES:
                yield child.node
                continue
        yield child


def _field_of_filter(node: nodes.Filter) -> nodes.Getattr | None:
    """`x | attr('name')` as `x.name`; None for all other filters."""
    [name, *_] = [*node.args, None]
    if node.name != "attr" or node.node is None or not isinstance(name, nodes.Const) or not isinstance(name.value, str):
        return None
    return nodes.Getattr(node.node, name.value, "load", lineno=node.lineno)


def _field_of_items(node: nodes.Filter) -> str | None:
    """The field, dotted, that a filter takes of each item of a list: by its name or as the first argument."""
    named = [one.value for one in node.kwargs if one.key == "attribute"]
    if any(one.key == "default" for one in node.kwargs):
        return None
    first = node.args[:1] if node.name in _FILTERS_BY_FIELD else []
    [value, *_] = [*named, *first, None]
    return value.value if isinstance(value, nodes.Const) and isinstance(value.value, str) else None


def _fields_of(kind: type[BaseModel]) -> list[str]:
    return [*kind.model_fields]


def _reason(kind: Any, name: str, known: tuple[str, ...]) -> str:
    if known:
        return (
            f"a {kind.__name__.lower()} has no such field" if kind in (Record, Criterion) else "there is no such field"
        )
    if name in METHOD_NAMES:
        return f"it is a method; write .{name}() to call it"
    return "it is no object and has no fields"
