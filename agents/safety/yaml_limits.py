"""Bounds of YAML: what a few lines of it may grow to, and that they are data and nothing else.

An alias stands for all that its anchor holds, so aliases of aliases make a billion values of nine lines, and one that
holds itself never ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

MOST_VALUES = 100_000
"""Values of a file, each counted as often as aliases repeat it."""
MOST_DEPTH = 100
_PLAIN = "tag:yaml.org,2002:"
_TAGS = frozenset(
    f"{_PLAIN}{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)


@dataclass
class TooMuch(Exception):
    """A file goes beyond the bounds: on which line, and how."""

    line: int
    what: str


def check_bounds(root: yaml.Node) -> None:
    """Raises TooMuch for a file that grows too large or too deep, holds itself, or asks for an object of a program."""
    _size(root, {}, [])


def _size(node: yaml.Node, known: dict[int, int], around: list[int]) -> int:
    line = node.start_mark.line + 1 if node.start_mark else 1
    if id(node) in around:
        raise TooMuch(line, "an anchor holds itself")
    if node.tag not in _TAGS:
        raise TooMuch(line, f"'{node.tag.replace(_PLAIN, '!!')}' is not allowed: a study holds plain values only")
    if len(around) >= MOST_DEPTH:
        raise TooMuch(line, f"values are nested more than {MOST_DEPTH} deep")
    if id(node) not in known:
        around.append(id(node))
        known[id(node)] = 1 + sum(_size(child, known, around) for child in _children(node))
        around.pop()
    if known[id(node)] > MOST_VALUES:
        raise TooMuch(line, f"its aliases make more than {MOST_VALUES:,} values")
    return known[id(node)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
