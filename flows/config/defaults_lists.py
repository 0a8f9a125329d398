"""Checks the defaults lists of a study: they name files of the config folders, and nothing else.

Hydra joins a name to its search path as it is, so `../../x` would be a file anywhere on the machine, and it resolves
interpolations in a list before any file is merged.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from contract.errors import Problem
from flows.config.environment_access import interpolation_problem
from flows.config.folders import TEXT_FOLDERS, display_path
from flows.config.yaml_documents import YamlDocument, scalars

_LONGEST_NAME = 250
"""Bytes: what file systems allow for a name, less the ending `.yaml`."""


def with_checked_defaults(
    documents: Mapping[Path, YamlDocument], variables: Collection[str]
) -> dict[Path, YamlDocument]:
    """The documents; one whose defaults list leads out of the config folders has that as its mistake."""
    return {path: _checked(document, variables) for path, document in documents.items()}


def _checked(document: YamlDocument, variables: Collection[str]) -> YamlDocument:
    problems = [
        Problem(f"{display_path(document.path)}:{node.start_mark.line + 1}", what, todo=todo)
        for node in _entries(document)
        for what, todo in _problems(str(node.value), variables)
    ]
    return replace(document, problems=(*document.problems, *problems)) if problems else document


def _entries(document: YamlDocument) -> Iterator[yaml.ScalarNode]:
    for key, value in document.root.value if document.root else ():
        if key.value == "defaults":
            yield from scalars(value)


def _problems(text: str, variables: Collection[str]) -> Sequence[tuple[str, str]]:
    words = text.removeprefix("override ").removeprefix("optional ").strip().partition("@")[0].strip("/").split("/")
    if ".." in words or any(word.startswith("file:") for word in words):
        return [(f"the defaults list names '{text}', which is not in a config folder", "put the file into one")]
    if any(len(word.encode()) > _LONGEST_NAME for word in words):
        return [(f"the defaults list names '{text[:40]}…', which is longer than a file's name can be", "shorten it")]
    if words[0] in TEXT_FOLDERS:
        return [(f"the defaults list names '{text}', but {words[0]}/ holds no configuration", "put the file elsewhere")]
    found = interpolation_problem(text, variables)
    return [found] if found else []
