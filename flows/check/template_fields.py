"""Finds the names that a template asks of a record or a criterion and that neither has, such as `record.txt`."""

from __future__ import annotations

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
        "about": "of a criterion's front matter, a template is given title, verdicts and examples",
    },
}
"""Type -> fields that no template is given, each with the reason."""
_OPTIONAL_TESTS = frozenset({"defined", "undefined"})


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


def unknown_names(parts: tuple[TemplatePart, ...], variables: Collection[str]) -> Iterator[UnknownName]:
    """The names that cannot be there, once for each chain. One that the template tests with `is defined` is none."""
    assigned = {name for part in parts for name in _assigned_names(part.tree)}
    known = {name: kind for name, kind in TYPES.items() if name in variables and name not in assigned}
    guarded = {text for part in parts for text in _guarded(part.tree)}
    for part in parts:
        walk = _Walk(part.path, guarded)
        walk.visit(part.tree, known)
        yield from walk.found.values()


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


def _guarded(tree: nodes.Node) -> Iterator[str]:
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        optional = _OPTIONAL_TESTS if isinstance(node, nodes.Test) else _OPTIONAL_FILTERS
        if node.name in optional and node.node is not None and (text := _dotted(node.node)):
            yield text


@dataclass
class _Walk:
    path: Path | None
    guarded: set[str]
    found: dict[str, UnknownName] = field(default_factory=dict[str, UnknownName])

    def visit(self, node: nodes.Node, types: Mapping[str, Any]) -> None:
        """Looks at the node and all below it; `types` are those of the names that are known there."""
        if isinstance(node, nodes.For):
            self._visit_loop(node, types)
        elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr in METHOD_NAMES:
            for child in (node.node.node, *node.args, *node.kwargs):
                self.visit(child, types)
        elif isinstance(node, nodes.Getattr | nodes.Getitem):
            self._type_of(node, types)
            for child in node.iter_child_nodes():
                if not _dotted(child):
                    self.visit(child, types)
        else:
            for child in node.iter_child_nodes():
                self.visit(child, types)

    def _visit_loop(self, loop: nodes.For, types: Mapping[str, Any]) -> None:
        self.visit(loop.iter, types)
        inner = dict(types)
        if isinstance(loop.target, nodes.Name):
            inner[loop.target.name] = item_type(self._type_of(loop.iter, types))
        for child in (*loop.body, *loop.else_, *([loop.test] if loop.test else [])):
            self.visit(child, inner)

    def _type_of(self, node: nodes.Node, types: Mapping[str, Any]) -> Any:
        if isinstance(node, nodes.Name):
            return types.get(node.name, UNKNOWN_TYPE)
        text = _dotted(node)
        if not text or not isinstance(node, nodes.Getattr | nodes.Getitem):
            return UNKNOWN_TYPE
        kind = self._type_of(node.node, types)
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
