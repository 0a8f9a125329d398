"""Finds the names that a template asks of its values and that are not there, such as `record.txt`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import nodes

from agents.prompting.criteria import Criterion
from agents.prompting.templates import TemplatePart
from agents.safety.template_methods import METHOD_NAMES
from contract.record import Record
from flows.spec.expression_bindings import Binding, bindings_of
from flows.spec.expression_texts import dotted, field_of_filter, optional_names
from flows.spec.expression_types import ExpressionWalk, WrongName, name_types
from flows.spec.output_types import UNKNOWN_TYPE, is_list

COMMON_TYPES: Mapping[str, Any] = {"record": Record, "criterion": Criterion}
"""Variable -> its type, for those that are the same for every agent."""
_HIDDEN: Mapping[Any, Mapping[str, str]] = {
    Record: {"ground_truth": "no model is shown what people answered"},
    Criterion: {
        "name": "a template is given a criterion without its name",
        "about": "of a criterion's front matter, a template is given title, verdicts, examples and codebook",
    },
}
"""Type -> fields that no template is given, each with the reason."""
_FUNCTIONS = frozenset({"range", "dict", "cycler", "joiner", "namespace"})
"""Functions that every template has. The name of one alone would be filled in as a place in memory."""


@dataclass(frozen=True)
class UnknownName:
    """A name that a template asks of a value and that cannot be there."""

    path: Path | None
    """The file, which may be one that the template includes; None for a template given as text."""
    wrong: WrongName
    why: str


@dataclass(frozen=True)
class NeededMetadata:
    """A field of a record's metadata that a template needs."""

    name: str
    before: str
    """What stands before the name: `record.metadata.`, or `m.` where the template sets `m`."""
    path: Path | None
    line: int


class TemplateNames:
    """The names that the parts of a template ask of its variables. What it sets and what it tests is looked up once."""

    def __init__(self, parts: tuple[TemplatePart, ...]) -> None:
        self._parts = parts
        self._trees = [part.tree for part in parts]
        self._bound = bindings_of(self._trees)
        self._optional = {text for tree in self._trees for text in optional_names(tree)}

    def unknown(self, variables: Mapping[str, Any]) -> Iterator[UnknownName]:
        """The names that cannot be there, once for each chain. One that is tested with `is defined` is none.

        `variables` are those of the template, each with its type.
        """
        common = {name: kind for name, kind in COMMON_TYPES.items() if name in variables}
        types = name_types(self._trees, {**variables, **common})
        for part in self._parts:
            walk = ExpressionWalk(types, self._optional, _HIDDEN, closed="_")
            walk.visit(part.tree)
            yield from (UnknownName(part.path, wrong, _reason(wrong)) for wrong in walk.found.values())
            yield from self._functions(part, variables)

    def _functions(self, part: TemplatePart, variables: Collection[str]) -> Iterator[UnknownName]:
        """Functions whose name alone is written into the text."""
        for output in part.tree.find_all(nodes.Output):
            for node in output.nodes:
                while isinstance(node, nodes.Filter) and node.node is not None:
                    node = node.node
                if isinstance(node, nodes.Name) and node.name in _FUNCTIONS - self._bound.keys() - set(variables):
                    wrong = WrongName(node.lineno, node.name, node.name, UNKNOWN_TYPE, ())
                    yield UnknownName(
                        part.path, wrong, f"it is a function of templates; write {node.name}(…) to call it"
                    )

    def of_metadata(self) -> Iterator[NeededMetadata]:
        """The fields of a record's metadata that the template needs, also by a name that it sets.

        None where it sets `record` itself or looks at the metadata before (`'ward' in record.metadata`).
        """
        searched = (one for tree in self._trees for one in _searched(tree))
        if "record" in self._bound or any(map(self._is_metadata, searched)):
            return
        for part in self._parts:
            called = {id(call.node) for call in part.tree.find_all(nodes.Call)}
            for found in part.tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Filter)):
                node = field_of_filter(found) if isinstance(found, nodes.Filter) else found
                text = dotted(node) if node and self._is_metadata(node.node) else None
                if node is None or text is None or text in self._optional:
                    continue
                before = f"{dotted(node.node)}."
                name = text.removeprefix(before)
                if not (name in METHOD_NAMES and id(node) in called):
                    yield NeededMetadata(name, before, part.path, node.lineno)

    def _is_metadata(self, node: nodes.Node) -> bool:
        return self._meant(node) == "record.metadata"

    def _meant(self, node: nodes.Node, above: frozenset[str] = frozenset()) -> str | None:
        """The chain from a variable of the template: `m.ward` means `record.metadata.ward` after `{% set m = … %}`.

        None where that is not sure: a name that is set to several values, or to one that is no chain.
        """
        chain = dotted(node)
        first, point, rest = (chain or "").partition(".")
        if chain is None or first not in self._bound:
            return chain
        if first in above:
            return None
        meant = {self._meant_by(one, above | {first}) for one in self._bound[first]}
        [value] = meant if len(meant) == 1 else [None]
        return value and f"{value}{point}{rest}"

    def _meant_by(self, binding: Binding, above: frozenset[str]) -> str | None:
        return self._meant(binding.value, above) if binding.value and not binding.is_item else None


def _searched(tree: nodes.Node) -> Iterator[nodes.Node]:
    for operand in tree.find_all(nodes.Operand):
        if operand.op in ("in", "notin"):
            yield operand.expr


def _reason(wrong: WrongName) -> str:
    kind, name = wrong.kind, wrong.name
    if kind is UNKNOWN_TYPE:
        return _closed_reason(wrong)
    hidden: Mapping[str, str] = _HIDDEN.get(kind, {}) if isinstance(kind, type) else {}
    if name in hidden:
        return hidden[name]
    if wrong.known:
        return (
            f"a {kind.__name__.lower()} has no such field" if kind in (Record, Criterion) else "there is no such field"
        )
    if name in METHOD_NAMES:
        return f"it is a method; write .{name}() to call it"
    if is_list(kind):
        return "it is a list; go through it with {% for one in … %}, or take the first with [0]"
    return "it is no object and has no fields"


def _closed_reason(wrong: WrongName) -> str:
    if wrong.name.startswith("__"):
        return "names that begin with two underscores are closed to templates"
    whole = wrong.chain.removesuffix(f".{wrong.name}")
    return f"a name that begins with _ is read with brackets; write {whole}['{wrong.name}']"
