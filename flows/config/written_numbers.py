"""Numbers as they are written: of `010` YAML makes 8, of `1:30` 90 and of `1.10` 1.1.

A verdict or an answer of people is a word, so it is compared as it is written, like the words in a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import yaml

from agents.safety.yaml_reader import UNREADABLE_YAML, plain_value

Data: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str, ...]
_KEY = ""
_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


@dataclass(frozen=True)
class RewrittenNumber:
    """What stands in the file, and what YAML reads."""

    written: str
    read: float


def rewritten_numbers(node: yaml.Node, path: Path) -> Iterator[tuple[Path, RewrittenNumber]]:
    """The keys and values at and below a node of which YAML makes other words; a key below its path, as `""`."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, str(key.value))
            if found := _rewritten(key):
                yield (*below, _KEY), found
            yield from rewritten_numbers(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from rewritten_numbers(item, (*path, str(number)))
    elif found := _rewritten(node):
        yield path, found


def _rewritten(node: yaml.Node) -> RewrittenNumber | None:
    if node.tag not in _NUMBER_TAGS:
        return None
    try:
        read = plain_value(node)
        return RewrittenNumber(node.value, read) if str(read) != node.value else None
    except UNREADABLE_YAML:
        return None


def restore_words(data: Data, at: Path, fields: tuple[str, ...], numbers: Mapping[Path, RewrittenNumber]) -> Data:
    """Returns `data`, which stands at the path `at`, with the words of its `fields` as they are written."""
    restored = dict(data)
    for path, number in numbers.items():
        below = path[len(at) :]
        if path[: len(at)] == at and below and below[0] in fields and below[0] in restored:
            restored[below[0]] = _restored(restored[below[0]], below[1:], number)
    return restored


def _restored(value: Any, path: Path, number: RewrittenNumber) -> Any:
    if not path:
        return number.written if value == number.read and not isinstance(value, str) else value
    if isinstance(value, dict):
        pairs = cast("dict[Any, Any]", value).items()
        if path[1:] == (_KEY,):
            return {number.written if str(key) == str(number.read) else key: inner for key, inner in pairs}
        return {key: _restored(inner, path[1:], number) if str(key) == path[0] else inner for key, inner in pairs}
    if isinstance(value, list):
        items = enumerate(cast("list[Any]", value))
        return [_restored(item, path[1:], number) if str(at) == path[0] else item for at, item in items]
    return value
