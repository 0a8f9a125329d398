"""Refuses interpolations by which a configuration would read the environment of the machine, or run a resolver.

`${oc.env:DB_URL}` in a step's parameters would carry a password into prompts, manifest and report, and a study can come
from anyone. Interpolations of other values of the configuration, `${llms.general}`, are not concerned.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import GrammarParseError
from omegaconf.grammar_parser import parse

from flows.config.diagnostics import SECRET_KEY_PATTERN, Diagnostics
from flows.config.own_config import how_to_allow
from flows.config.provenance import KeyPath

_HARMLESS_RESOLVERS = frozenset({"oc.select", "oc.dict.keys", "oc.dict.values"})
_ENVIRONMENT_RESOLVER = "oc.env"
_ENVIRONMENT = re.compile(r"\$\{\s*oc\.env\s*:\s*(?P<name>[A-Za-z_]\w*)\s*(,[^$]*)?\}")
_WORDS = re.compile(r"\w+")


def without_environment(config: DictConfig, variables: Collection[str], diagnostics: Diagnostics) -> DictConfig:
    """The configuration with null for each value that would read what it may not; each is reported.

    `variables` are the environment variables that the user allows every file to read.
    """

    def clean(value: Any, path: KeyPath) -> Any:
        if isinstance(value, dict):
            return {key: clean(inner, (*path, str(key))) for key, inner in cast("dict[Any, Any]", value).items()}
        if isinstance(value, list):
            return [clean(inner, (*path, str(number))) for number, inner in enumerate(cast("list[Any]", value))]
        if isinstance(value, str) and (problem := interpolation_problem(value, variables, path[-1:])):
            diagnostics.add(diagnostics.provenance.where_written(path), problem[0], todo=problem[1])
            diagnostics.mark_reported(path)
            return None
        return value

    return cast("DictConfig", OmegaConf.create(clean(OmegaConf.to_container(config, resolve=False), ())))


def interpolation_problem(text: str, variables: Collection[str], at: KeyPath = ()) -> tuple[str, str] | None:
    """Why a text may not be resolved, and what to do instead; None if it may. `at` is the key that has this value."""
    if "${" not in text:
        return None
    try:
        tree = parse(text)
    except (GrammarParseError, RecursionError):
        return None  # the error is reported where the text is resolved
    wants_key = any(SECRET_KEY_PATTERN.search(key) for key in at)
    problems = (_copied_key(node, wants_key) or _resolver_problem(node, variables) for node in _nodes(tree))
    return next(filter(None, problems), None)


def _nodes(node: Any) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += list(getattr(found, "children", None) or ())


def _copied_key(node: Any, wants_key: bool) -> tuple[str, str] | None:
    if wants_key or type(node).__name__ != "InterpolationNodeContext":
        return None
    text = _text(node)
    if not any(SECRET_KEY_PATTERN.search(word) for word in _WORDS.findall(text)):
        return None
    return f"{text} would copy a key into the files and prompts of the run", "name the model, and nothing of its key"


def _resolver_problem(node: Any, variables: Collection[str]) -> tuple[str, str] | None:
    if type(node).__name__ != "InterpolationResolverContext":
        return None
    text = _text(node)
    name = _text(node.resolverName())
    if name in _HARMLESS_RESOLVERS:
        return None
    if name != _ENVIRONMENT_RESOLVER:
        return f"{text} calls '{name}', which no configuration may", "write the value itself"
    found = _ENVIRONMENT.fullmatch(text)
    variable = found["name"] if found else None
    if variable in variables:
        return None
    what = f"{text} would read the environment, which a study may not: its values go into files and prompts of the run"
    if variable is None:
        return what, "write the value itself"
    key = f"for the key of a model write `api_key_env: {variable}`"
    allow = f"if every study may read {variable}, {how_to_allow('variables', f'- {variable}')}"
    return what, f"write the value itself; {key}; {allow}"


def _text(node: Any) -> str:
    start, stop = getattr(node, "start", None), getattr(node, "stop", None)
    if start is None or stop is None:
        return str(node.getText())
    return str(start.getInputStream().getText(start.start, stop.stop))
