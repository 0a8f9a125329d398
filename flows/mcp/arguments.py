"""Checks the arguments of a client against a tool's schema, in the sentences of the command line."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

from contract.base import thawed
from contract.errors import Problem, StudyError
from contract.tools import AgentToolDefinition
from flows.config.diagnostics import closest_name, display_argument, join_names
from flows.mcp.schema_words import misfit, short_text, shown

_MAX_REPORTED = 20


def check_arguments(tool: AgentToolDefinition, arguments: Mapping[str, Any]) -> None:
    """Raises StudyError with every argument that does not fit the tool's schema."""
    problems = list(_problems(tool, arguments))
    if problems:
        raise StudyError(problems[:_MAX_REPORTED])


def _problems(tool: AgentToolDefinition, arguments: Mapping[str, Any]) -> Iterator[Problem]:
    from jsonschema import Draft202012Validator

    schema = cast("dict[str, Any]", thawed(tool.input_schema))
    known: dict[str, Any] = schema.get("properties", {})
    for name in arguments:
        if name not in known:
            todo = f"it takes {join_names(known)}" if known else "it takes none"
            what = f"there is no argument '{short_text(name)}'"
            yield Problem(tool.name, what, nearest=closest_name(name, known), todo=todo)
    for name in schema.get("required", ()):
        if name not in arguments:
            yield Problem(tool.name, f"'{name}' is missing", todo=_what_it_is(known.get(name, {})))
    given = {name: value for name, value in arguments.items() if name in known}
    for path, value in list(_leaves(given)):
        if isinstance(value, float) and not math.isfinite(value):
            given.pop(path.partition(".")[0], None)
            yield Problem(_place(tool, path), f"it is {shown(value)}, which is no number", todo="give a number")
    validator: Any = Draft202012Validator({**schema, "required": []})
    for error in validator.iter_errors(given):
        where = ".".join(map(str, error.absolute_path))
        yield misfit(_place(tool, where) if where else tool.name, error)
    for path, text in _leaves(given):
        if isinstance(text, str) and ("\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text)):
            yield Problem(_place(tool, path), "it holds characters that are no text", todo="leave them out")


def _place(tool: AgentToolDefinition, path: str) -> str:
    return f"{tool.name}: argument `{display_argument(path)}`"


def _what_it_is(schema: Mapping[str, Any]) -> str | None:
    about = str(schema.get("description", "")).split("\n")[0].rstrip(".")
    return f"give {about[0].lower()}{about[1:]}" if about else None


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every name and every value that holds no other ones, with the path to it."""
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            yield path or "arguments", key
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _leaves(item, path)
    else:
        yield path, value
