"""Finds what a template asks of a record that no record has: `record.txt`, and `record.text.upper` for a method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from agents.safety.template_methods import METHOD_NAMES
from contract.record import Record

_HIDDEN = frozenset({"ground_truth"})
"""Fields of a record that no model is shown."""
FIELDS = tuple(name for name in Record.model_fields if name not in _HIDDEN)
"""Fields of a record in a template."""
_OPEN = frozenset({"sections", "metadata", "images"})
"""Fields below which there are names of the study's own."""


@dataclass(frozen=True)
class UnknownName:
    """A name that a template asks of a record and that cannot be there."""

    line: int
    chain: str
    """As it stands in the template: `record.txt`."""
    name: str
    why: str


def unknown_record_names(tree: nodes.Template) -> Iterator[UnknownName]:
    """The names, in the order of the template. One that the template itself tests with `is defined` is none."""
    if any(node.ctx != "load" and node.name == "record" for node in tree.find_all(nodes.Name)):
        return  # the template gives the name to something else
    tested = set(map(_chain_of, _tested(tree)))
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    inner = {id(node.node) for node in tree.find_all((nodes.Getattr, nodes.Getitem))}
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        chain = _chain_of(node)
        if len(chain) < 2 or chain[0] != "record" or chain in tested:
            continue
        if len(chain) == 2:
            if reason := _reason(chain[1]):
                yield UnknownName(node.lineno, ".".join(chain), chain[1], reason)
        elif len(chain) == 3 and chain[1] in FIELDS and chain[1] not in _OPEN and id(node) not in called | inner:
            method = chain[2] in METHOD_NAMES
            reason = f"it is a method; write .{chain[2]}() to call it" if method else "it is text and has no fields"
            yield UnknownName(node.lineno, ".".join(chain), chain[2], reason)


def _reason(name: str) -> str | None:
    if name in FIELDS:
        return None
    return "no model is shown what people answered" if name in _HIDDEN else "a record has no such field"


def _tested(tree: nodes.Template) -> Iterator[Any]:
    yield from (test.node for test in tree.find_all(nodes.Test) if test.name in ("defined", "undefined"))
    yield from (one.node for one in tree.find_all(nodes.Filter) if one.name in ("default", "d") and one.node)


def _chain_of(node: Any) -> tuple[str, ...]:
    """`record.text` as two words; empty for what does not begin with a name."""
    words: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        word = node.attr if isinstance(node, nodes.Getattr) else getattr(node.arg, "value", None)
        if not isinstance(word, str):
            return ()
        words.append(word)
        node = node.node
    return (node.name, *reversed(words)) if isinstance(node, nodes.Name) else ()
