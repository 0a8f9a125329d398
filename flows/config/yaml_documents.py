"""Reads each YAML document once, with the line of every node, and finds every mistake in its form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml
from omegaconf import grammar_parser
from omegaconf.errors import GrammarParseError

from agents.safety.paths import text_file_problem
from agents.safety.yaml_limits import YamlLimitExceeded
from agents.safety.yaml_mistakes import ODD_BLANKS, comment_as_value, describe_yaml_error, odd_blank
from agents.safety.yaml_reader import UNREADABLE_YAML, compose_yaml, doubled_names, plain_value
from contract.errors import Problem
from flows.config.folders import display_path, yaml_files
from flows.config.hydra_source import ConfigLoader

_SKIPPED_FOLDERS = frozenset({"prompts", "criteria", "corpora"})
_PLAIN_REFERENCE = re.compile(r"\$\{\w+(?:\.\w+)*\}")
_NOTHING = "tag:yaml.org,2002:null"
_NAMED_ENTRIES = frozenset({"models", "storage", "tools"})
"""Groups whose files have names of the author's own at their left edge."""
_MOST_REFERENCES = 100
"""In one value: OmegaConf reads them by recursion, one in the other."""


@dataclass(frozen=True)
class YamlDocument:
    """One file. `root` is None when it is empty or cannot be parsed; `problems` lists its mistakes with their lines."""

    path: Path
    root: yaml.MappingNode | None = None
    problems: tuple[Problem, ...] = field(default=())
    empty: bool = False

    @property
    def broken(self) -> bool:
        """Whether the file cannot be used at all."""
        return bool(self.problems)

    def value(self) -> dict[str, Any]:
        """The file's content as plain data; interpolations are still text."""
        if self.root is None:
            return {}
        return cast("dict[str, Any]", plain_value(self.root, ConfigLoader))

    def has_scalar(self, word: str) -> bool:
        """Whether a key or value of the file is exactly `word`."""
        return any(node.value == word for node in scalars(self.root))

    def line_of(self, words: Iterable[str]) -> int:
        """The first line on which a key or value holds one of `words`; 1 if none does."""
        wanted = tuple(words)
        lines = [node.start_mark.line + 1 for node in scalars(self.root) if any(w in str(node.value) for w in wanted)]
        return min(lines, default=1)


def scalars(node: yaml.Node | None) -> Iterable[yaml.ScalarNode]:
    """Every key and value below a node that is a single one, in the order of the file."""
    if isinstance(node, yaml.ScalarNode):
        yield node
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from scalars(key)
            yield from scalars(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from scalars(item)


def read_documents(folders: Sequence[Path]) -> dict[Path, YamlDocument]:
    """Every `.yaml` file of the config folders, by path, except those in folders of texts."""
    return {
        path: read_document(path, folder)
        for folder in folders
        if folder.is_dir()
        for path in yaml_files(folder)
        if path.parent.name not in _SKIPPED_FOLDERS and path.suffix == ".yaml"
    }


def read_document(path: Path, folder: Path | None = None) -> YamlDocument:
    """One document of a config folder; None stands for that of the path. Never raises: mistakes are in `problems`."""
    if problem := text_file_problem(path, folder or path.parent):
        what, _, todo = problem.partition("; ")
        return _broken_document(path, 1, what, todo or "put a smaller file there")
    if path.is_dir():
        return _broken_document(path, 1, "this is a folder, not a file", "move it, or choose another name")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return _broken_document(path, line, "the file is not in UTF-8", "save it again with the encoding UTF-8")
    except PermissionError:
        return _broken_document(path, 1, "you have no permission to read the file", "give yourself this permission")
    except OSError as error:
        return _broken_document(path, 1, f"the file cannot be read: {error.strerror or error}", None)
    return _parse_document(path, text)


def _parse_document(path: Path, text: str) -> YamlDocument:
    try:
        root = compose_yaml(text, ConfigLoader)
    except yaml.YAMLError as error:
        return _syntax_error(path, text, error)
    except YamlLimitExceeded as error:
        return _broken_document(path, error.line, error.message, "write the values out instead")
    if root is None:
        return YamlDocument(path, empty=True)
    if not isinstance(root, yaml.MappingNode):
        return _broken_document(
            path, 1, "the file does not consist of `name: value` lines", "write `name: value` on each line"
        )
    names = (*_odd_keys(path, root), *_names_read_otherwise(path, root), *_duplicate_keys(path, root))
    problems = (*names, *_signs_as_comments(path, text, root))
    return YamlDocument(path, root, problems) if problems else _with_readable_values(path, text, root)


def _with_readable_values(path: Path, text: str, root: yaml.MappingNode) -> YamlDocument:
    """The document, broken if a value cannot be made, such as `!!int many`, or a list as a name."""
    try:
        plain_value(root, ConfigLoader)
    except yaml.MarkedYAMLError as error:
        return _syntax_error(path, text, error)
    except UNREADABLE_YAML as error:
        return _broken_document(path, 1, f"a value cannot be read: {error}", "write it in quotation marks")
    return _unreadable_reference(path, root) or YamlDocument(path, root)


def _unreadable_reference(path: Path, root: yaml.MappingNode) -> YamlDocument | None:
    """The document as broken where a value has a `${` that begins no reference, or too many; None where none has."""
    for node in scalars(root):
        text = str(node.value)
        if "${" not in text or _PLAIN_REFERENCE.fullmatch(text):
            continue
        line = node.start_mark.line + 1
        if (times := text.count("${")) > _MOST_REFERENCES:
            what = f"a value has {times:,} `${{`, and at most {_MOST_REFERENCES} can be resolved"
            return _broken_document(path, line, what, "write the value itself")
        if not _is_readable(text):
            what = "`${` begins the name of another value, as in ${llms.general}; what follows here is none"
            return _broken_document(path, line, what, "complete it; write \\${ where the signs themselves are meant")
    return None


def _is_readable(text: str) -> bool:
    try:
        grammar_parser.parse(text)
    except (GrammarParseError, RecursionError):
        return False
    return True


def _syntax_error(path: Path, text: str, error: yaml.YAMLError) -> YamlDocument:
    mistake = describe_yaml_error(text, error)
    return _broken_document(path, mistake.line, mistake.what, mistake.todo)


def _odd_keys(path: Path, root: yaml.Node) -> Iterator[Problem]:
    """Names that are none, and those that begin or end with what only looks like a blank."""
    for key in _keys(root):
        if key.tag == _NOTHING:
            what = f"`{key.value}` means nothing in YAML, and is no name"
            todo = f'write "{key.value}" if it is called so'
            yield Problem(f"{display_path(path)}:{key.start_mark.line + 1}", what, todo=todo)
        if key.value != key.value.strip(ODD_BLANKS):
            mistake = odd_blank(key.start_mark.line + 1)
            yield Problem(f"{display_path(path)}:{mistake.line}", mistake.what, todo=mistake.todo)


def _names_read_otherwise(path: Path, root: yaml.MappingNode) -> Iterator[Problem]:
    """Names of models, storages and servers under which nobody finds them, since YAML reads another value."""
    for key, _ in root.value if path.parent.name in _NAMED_ENTRIES else ():
        if not isinstance(key, yaml.ScalarNode) or key.tag == _NOTHING:
            continue
        try:
            name = str(plain_value(key, ConfigLoader))
        except (yaml.MarkedYAMLError, *UNREADABLE_YAML):
            continue
        if name != key.value:
            what = f"YAML reads the name `{key.value}` as {name}"
            yield Problem(f"{display_path(path)}:{key.start_mark.line + 1}", what, todo=f'write "{key.value}"')


def _signs_as_comments(path: Path, text: str, root: yaml.Node) -> Iterator[Problem]:
    """Names without a value, whose value YAML took for a comment."""
    lines = text.splitlines()
    for key, value in _pairs(root):
        if isinstance(value, yaml.ScalarNode) and value.value == "" and not value.style:
            number = key.start_mark.line + 1
            if mistake := comment_as_value(number, lines[number - 1]):
                yield Problem(f"{display_path(path)}:{number}", mistake.what, todo=mistake.todo)


def _keys(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    return (key for key, _ in _pairs(node) if isinstance(key, yaml.ScalarNode))


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Every name and its value, at any depth."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield key, value
            yield from _pairs(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _pairs(item)


def _duplicate_keys(path: Path, root: yaml.MappingNode) -> Iterator[Problem]:
    for key, first in doubled_names(root):
        what = f"'{key.value}' appears twice here, first on line {first.start_mark.line + 1}"
        yield Problem(f"{display_path(path)}:{key.start_mark.line + 1}", what, todo="keep one of the two")


def _broken_document(path: Path, line: int, what: str, todo: str | None) -> YamlDocument:
    return YamlDocument(path, problems=(Problem(f"{display_path(path)}:{line}", what, todo=todo),))
