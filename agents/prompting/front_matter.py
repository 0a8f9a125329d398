"""Reads front matter, the YAML between two lines of dashes at the head of a document, with line numbers for errors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from agents.safety.yaml_limits import YamlLimitExceeded
from agents.safety.yaml_mistakes import LONG_DASHES, describe_yaml_error
from agents.safety.yaml_reader import UNREADABLE_YAML, compose_yaml, doubled_names, plain_value
from contract.errors import PromptError

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_NAME_BELOW = r"[ \t]*\n(?:[ \t]*\n)*[A-Za-z_]\w*:(?:[ \t]|\n|\Z)"
"""The rest of a line of dashes, with a `name: value` below it."""
_OTHER_DASHES = re.compile(rf"\A(?=-*[{LONG_DASHES}])[-{LONG_DASHES}]{{1,3}}{_NAME_BELOW}")
"""What a text processor makes of the line of hyphens."""
_OTHER_NUMBER = re.compile(rf"\A(?:--|-{{4,}}){_NAME_BELOW}")
"""A line of fewer or more hyphens than three."""
_LOWER = re.compile(rf"\A(?:[ \t]*\n)+---{_NAME_BELOW}")
"""Front matter that begins below empty lines."""
_UNCLOSED = re.compile(r"\A---[ \t]*\n(?:[ \t]*\n|#[^\n]*\n)*[A-Za-z_][\w -]*:(?:[ \t]|\n|\Z)")
"""A line of dashes with a `name: value` below it, which is no rule above a paragraph."""
_UNOPENED = re.compile(
    r"\A(?:title|author|source|retrieved|purpose|verdicts|examples):.*\n(?:.*\n)*?---[ \t]*(?:\n|\Z)"
)
"""A `name: value` of front matter in the first line, and the line of dashes that ends it."""
_MISTAKES = {
    _OTHER_DASHES: (
        "the first line is of long dashes, so the front matter would be read as text; write it with hyphens: ---"
    ),
    _OTHER_NUMBER: "front matter begins with three hyphens, else it is read as text; write the first line so: ---",
    _LOWER: "the front matter must begin in the first line, or it would be read as text; remove the empty lines",
    _UNOPENED: "the line `---` above the front matter is missing, so it would be read as text; write it first",
    _UNCLOSED: "the front matter has no end, and would be read as text; write a line `---` below it",
}
"""What a text begins with that was meant as front matter -> what is wrong; the first that fits is told."""
_LINE_OFFSET = 2
"""One for the line of dashes above the YAML, and one since lines are counted from 1."""


@dataclass(frozen=True)
class FrontMatter:
    """The front matter of one file; empty where the file has none."""

    path: Path
    values: dict[str, Any]
    source: str = ""

    def error_at(self, message: str, key: str = "verdicts", index: int | None = None) -> PromptError:
        """Returns an error with that message, at the line of `key`, or of item `index` (counted from 0) below it."""
        return PromptError(f"{self.path}:{self._line_of(key, index)}: {message}")

    def node(self, key: str) -> yaml.Node | None:
        """The YAML node at `key`, whose words are as they are written; None where there is no such key."""
        return self._value_of(key) if key in self.values else None

    def error_on(self, node: yaml.Node | None, message: str) -> PromptError:
        """Returns an error with that message, at the line of the node."""
        line = 1 if node is None else int(node.start_mark.line) + _LINE_OFFSET
        return PromptError(f"{self.path}:{line}: {message}")

    def texts(self, key: str) -> list[str] | None:
        """The words of the list `key` as they are written: `010`, `1.10`, `1:30`, of which YAML makes other numbers.

        None unless it is a list of words.
        """
        found = self._value_of(key)
        items = cast("list[yaml.Node]", found.value) if isinstance(found, yaml.SequenceNode) else []
        words = [str(item.value) for item in items if isinstance(item, yaml.ScalarNode)]
        return words if items and len(words) == len(items) else None

    def text_in(self, key: str, index: int, name: str) -> str | None:
        """The word at `name` of item `index` (counted from 0) of the list `key`, as it is written; None for no word."""
        found = self._value_of(key)
        item = found.value[index] if isinstance(found, yaml.SequenceNode) else None
        pairs = cast("list[tuple[Any, Any]]", item.value) if isinstance(item, yaml.MappingNode) else []
        return next(
            (str(value.value) for one, value in pairs if one.value == name and isinstance(value, yaml.ScalarNode)), None
        )

    def _value_of(self, key: str) -> yaml.Node | None:
        pairs = cast("list[tuple[Any, Any]]", cast("Any", compose_yaml(self.source)).value)
        return next((value for name, value in pairs if name.value == key), None)

    def _line_of(self, key: str, index: int | None) -> int:
        pairs = cast("list[tuple[Any, Any]]", cast("Any", compose_yaml(self.source)).value)
        for name, value in pairs:
            if name.value == key:
                node = name if index is None else value.value[index]
                return int(node.start_mark.line) + _LINE_OFFSET
        return 1


def split_front_matter(source: str, path: Path) -> tuple[FrontMatter, str]:
    """Returns the front matter and the text below it. Raises PromptError when the front matter is no YAML mapping."""
    found = _FRONT_MATTER.match(source)
    if not found:
        check_front_matter_ends(source, path)
        return FrontMatter(path, {}), source.strip()
    return FrontMatter(path, _parse_yaml(found[1], path), found[1]), source[found.end() :].strip()


def check_front_matter_ends(source: str, path: Path) -> None:
    """Raises PromptError for a text that begins with front matter which is not closed, or not by hyphens."""
    for mistake, message in _MISTAKES.items():
        if mistake.match(source):
            raise PromptError(f"{path}:1: {message}")


def _parse_yaml(text: str, path: Path) -> dict[str, Any]:
    try:
        root = compose_yaml(text)
        if twice := next(doubled_names(root), None):
            key, first = (f"{node.start_mark.line + _LINE_OFFSET}" for node in twice)
            raise PromptError(f"{path}:{key}: '{twice[0].value}' appears twice here, first on line {first}; keep one")
        loaded = plain_value(root)
    except YamlLimitExceeded as error:
        raise PromptError(f"{path}:{error.line + 1}: {error.message}") from None
    except yaml.YAMLError as error:
        mistake = describe_yaml_error(text, error)
        raise PromptError(f"{path}:{mistake.line + 1}: {mistake.what}; {mistake.todo}") from None
    except UNREADABLE_YAML as error:
        raise PromptError(f"{path}:1: a value of the front matter cannot be read: {error}") from None
    if not isinstance(loaded, dict):
        raise PromptError(f"{path}:1: the front matter does not consist of `name: value` lines; write one on each line")
    return {str(key): value for key, value in cast("dict[Any, Any]", loaded).items()}
