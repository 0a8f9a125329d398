"""Finds secrets of the environment that a configuration or a request would carry into a run's files and prompts.

`${oc.env:OPENAI_API_KEY}` in a step's parameters would send the key to a model, and a study can come from anyone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import cast

from contract.base import JsonValue
from flows.config.compose_config import ComposedConfig
from flows.config.diagnostics import SECRET_KEY_PATTERN, Diagnostics
from flows.config.provenance import KeyPath

_MIN_SECRET_CHARACTERS = 16
"""Shorter values, such as `postgres`, are ordinary words too."""


def report_secret_leaks(composed: ComposedConfig, diagnostics: Diagnostics) -> None:
    """Reports every value that holds one of the environment's secrets, unless its key is a secret's name."""
    secrets = {
        value: name
        for name, value in os.environ.items()
        if SECRET_KEY_PATTERN.search(name) and len(value) >= _MIN_SECRET_CHARACTERS
    }
    for path, text in _text_values(composed.config, ()) if secrets else ():
        for name in (name for value, name in secrets.items() if value in text):
            diagnostics.add_at(path, _leak_message(name), todo=f"where a model needs it, write `api_key_env: {name}`")
    for key, text in composed.request.items():
        for name in (name for value, name in secrets.items() if value in text):
            diagnostics.add(f"command line: {key}=…", _leak_message(name), todo="leave it out")


def _leak_message(name: str) -> str:
    return f"this holds the value of the environment variable {name}, which the run would write into its files"


def _text_values(value: JsonValue, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        if not (path and SECRET_KEY_PATTERN.search(path[-1])):
            yield path, value
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, JsonValue]", value).items():
            yield from _text_values(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _text_values(inner, (*path, str(number)))
