"""Limits of YAML: how many values a file may expand to, how deep they may nest, and that all are plain data.

An alias stands for all that its anchor holds. So aliases of aliases make a billion values from nine lines, and an
anchor that holds itself never ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import yaml

MAX_VALUES = 100_000
"""Values in a file, each counted as often as aliases repeat it."""
MAX_DEPTH = 100
_TAG_PREFIX = "tag:yaml.org,2002:"
_ALLOWED_TAGS = frozenset(
    f"{_TAG_PREFIX}{name}"
    for name in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value")
)


@dataclass
class YamlLimitExceeded(Exception):
    """A file exceeds a limit: `line` is where, `message` is how."""

    line: int
    message: str


def check_yaml_depth(events: Iterable[yaml.Event]) -> None:
    """Raises YamlLimitExceeded for a text that is nested too deep, before its tree is made.

    A tree is made by calls within calls, and libyaml's have no limit but the end of the process.
    """
    depth = 0
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise YamlLimitExceeded(line, f"values are nested more than {MAX_DEPTH} deep")


def check_yaml_limits(root: yaml.Node) -> None:
    """Raises YamlLimitExceeded for a file that is too large or too deep, that holds itself, or that has other tags.

    Other tags are those for objects of a program.
    """
    _count_values(root, {}, [])


def _count_values(node: yaml.Node, counts: dict[int, int], ancestors: list[int]) -> int:
    line = node.start_mark.line + 1 if node.start_mark else 1
    if id(node) in ancestors:
        raise YamlLimitExceeded(line, "an anchor holds itself")
    if node.tag not in _ALLOWED_TAGS:
        raise YamlLimitExceeded(
            line, f"'{node.tag.replace(_TAG_PREFIX, '!!')}' is not allowed: a study holds plain values only"
        )
    if isinstance(node, yaml.ScalarNode) and "\0" in node.value:
        raise YamlLimitExceeded(line, "a text holds the character NUL, which no text of a study may")
    if len(ancestors) >= MAX_DEPTH:
        raise YamlLimitExceeded(line, f"values are nested more than {MAX_DEPTH} deep")
    if id(node) not in counts:
        ancestors.append(id(node))
        counts[id(node)] = 1 + sum(_count_values(child, counts, ancestors) for child in _children(node))
        ancestors.pop()
    if counts[id(node)] > MAX_VALUES:
        makes = "it holds" if len(counts) > MAX_VALUES else "its aliases make"
        raise YamlLimitExceeded(line, f"{makes} more than {MAX_VALUES:,} values")
    return counts[id(node)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
