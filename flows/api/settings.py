"""Turns Python values into the settings that the command line takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from contract.errors import Problem, StudyError
from flows.api.records import are_records, describe_type
from flows.config.arguments import DOTTED_NAMES
from flows.config.diagnostics import closest_name


def as_arguments(settings: Mapping[str, Any]) -> list[str]:
    """Returns `key=value` for each setting.

    A mapping becomes one argument for each of its keys, as `columns={"text": "body"}` becomes `columns.text=body`;
    two underscores in a name stand for the dot: `run__concurrency=4`. None leaves a setting out. Raises StudyError
    with every value that is no setting.
    """
    arguments, problems = list[str](), list[Problem]()
    for name, value in settings.items():
        try:
            arguments += _arguments(name.replace("__", "."), value)
        except StudyError as error:
            problems += error.problems
    if problems:
        raise StudyError(problems)
    return arguments


def _arguments(name: str, value: Any) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():  # type: ignore[reportUnknownVariableType]
            yield from _arguments(f"{name}.{key}", inner)
    elif are_records(value):
        near = closest_name(name, ["records"])
        what = f"{describe_type(value)} is no setting; records in memory are given as `records`"
        raise StudyError([Problem(f"{name}=…", what, nearest=near)])
    else:
        text = _text(name, value)
        yield f"{name}={_quoted(text) if isinstance(value, str | Path) and _is_read_by_hydra(name) else text}"


def _is_read_by_hydra(name: str) -> bool:
    """Whether the value is read by Hydra's grammar, where a comma or a bracket in a path would mean something."""
    return "." in name and name.partition(".")[0] not in DOTTED_NAMES


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _text(name: str, value: Any) -> str:
    if isinstance(value, str | Path | Decimal):
        return str(value)
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, Integral):
        # NumPy's and pandas' integers, too.
        return str(int(value))
    if isinstance(value, Real):
        return str(float(value))
    if isinstance(value, Sequence):
        return f"[{','.join(_item(name, item) for item in value)}]"  # type: ignore[reportUnknownVariableType]
    raise StudyError(
        [Problem(f"{name}=…", f"{describe_type(value)} is no setting", todo="give text, a number, a list or a dict")]
    )


def _item(name: str, value: Any) -> str:
    text = _text(name, value)
    if "," in text:
        todo = "a list takes names and numbers; put texts with commas into the flow's YAML"
        raise StudyError([Problem(f"{name}=…", f"the item '{text}' holds a comma", todo=todo)])
    return text
