"""Turns Python values into the settings that the command line takes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from contract.errors import Problem, StudyError


def as_arguments(settings: Mapping[str, Any]) -> list[str]:
    """Returns `key=value` for each setting.

    A mapping becomes one argument for each of its keys, as `columns={"text": "body"}` becomes `columns.text=body`;
    two underscores in a name stand for the dot: `run__concurrency=4`. None leaves a setting out. Raises StudyError
    for a value that is no setting.
    """
    return [argument for name, value in settings.items() for argument in _arguments(name.replace("__", "."), value)]


def _arguments(name: str, value: Any) -> Iterator[str]:
    if value is None:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():  # type: ignore[reportUnknownVariableType]
            yield from _arguments(f"{name}.{key}", inner)
    else:
        yield f"{name}={_text(name, value)}"


def _text(name: str, value: Any) -> str:
    if isinstance(value, str | Path):
        return str(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Sequence):
        return f"[{','.join(_text(name, item) for item in value)}]"  # type: ignore[reportUnknownVariableType]
    raise StudyError(
        [Problem(f"{name}=…", f"a {type(value).__name__} is no setting", todo="give text, a number, a list or a dict")]
    )
