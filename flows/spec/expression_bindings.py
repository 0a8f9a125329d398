"""Lists what templates bind names to: with `set`, `with`, a loop, a macro's call, or an import."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from jinja2 import nodes


@dataclass(frozen=True)
class Binding:
    """One value that a name is bound to."""

    value: nodes.Node | None = None
    """None where nothing is known of it."""
    is_item: bool = False
    """The name stands for one item of the value after the other."""


def bindings_of(trees: Collection[nodes.Node]) -> dict[str, list[Binding]]:
    """Name -> everything that one of the trees binds it to. `{% set a, b = … %}` is known of each only as a name."""
    calls: dict[str, list[nodes.Call]] = {}
    for tree in trees:
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name):
                calls.setdefault(call.node.name, []).append(call)
    found: dict[str, list[Binding]] = {}
    for tree in trees:
        for name, binding in _bindings(tree, calls):
            found.setdefault(name, []).append(binding)
    return found


def _bindings(tree: nodes.Node, calls: Mapping[str, list[nodes.Call]]) -> Iterator[tuple[str, Binding]]:
    known = set[int]()
    for target, binding in _known_bindings(tree, calls):
        known.add(id(target))
        yield target.name, binding
    for name in tree.find_all(nodes.Name):
        if name.ctx != "load" and id(name) not in known:
            yield name.name, Binding()
    for node in tree.find_all((nodes.Import, nodes.FromImport, nodes.Macro)):
        yield from ((name, Binding()) for name in _own_names(node))


def _known_bindings(tree: nodes.Node, calls: Mapping[str, list[nodes.Call]]) -> Iterator[tuple[nodes.Name, Binding]]:
    for node in tree.find_all((nodes.Assign, nodes.For, nodes.With, nodes.Macro)):
        match node:
            case nodes.Assign() if isinstance(node.target, nodes.Name):
                yield node.target, Binding(node.node)
            case nodes.For() if isinstance(node.target, nodes.Name):
                yield node.target, Binding(node.iter, is_item=True)
            case nodes.With():
                for target, value in zip(node.targets, node.values, strict=True):
                    if isinstance(target, nodes.Name):
                        yield target, Binding(value)
            case nodes.Macro():
                for call in calls.get(node.name, ()):
                    yield from _arguments(node, call)
            case _:
                continue


def _arguments(macro: nodes.Macro, call: nodes.Call) -> Iterator[tuple[nodes.Name, Binding]]:
    named = {one.key: one.value for one in call.kwargs}
    defaults = dict(zip(reversed([one.name for one in macro.args]), reversed(macro.defaults), strict=False))
    packed = call.dyn_args is not None or call.dyn_kwargs is not None
    for number, argument in enumerate(macro.args):
        given = call.args[number] if number < len(call.args) else named.get(argument.name, defaults.get(argument.name))
        yield argument, Binding(None if packed else given)


def _own_names(node: nodes.Node) -> Iterator[str]:
    match node:
        case nodes.Import():
            yield node.target
        case nodes.Macro():
            yield node.name
        case nodes.FromImport():
            yield from (name if isinstance(name, str) else name[1] for name in node.names)
        case _:
            return
