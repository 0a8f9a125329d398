"""Finds secrets that a configuration or a request would carry into a run's files and prompts.

No configuration can read the environment (`environment_access`), but a person can type a key, or let the shell fill it
in, and a configuration can copy a key that another of its files holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, cast

from contract.base import JsonValue
from contract.key_texts import holds_key
from flows.config.compose_config import ComposedConfig
from flows.config.diagnostics import SECRET_KEY_PATTERN, Diagnostics, may_hold_secret
from flows.config.provenance import KeyPath

_MIN_SECRET_CHARACTERS = 16
"""Shorter values of the environment, such as `postgres`, are ordinary words too."""
_MIN_KEY_CHARACTERS = 8
"""The same for keys that stand in a configuration: nothing but a key is written there."""

_LEAVE_OUT = "leave it out; a model names its key with `api_key_env`"
_TYPED_KEY = "this holds what looks like a key of a service, which the run would write into its files"


def report_secret_leaks(composed: ComposedConfig, diagnostics: Diagnostics) -> None:
    """Reports every value that holds a secret of the environment or a key of a model, where no key is expected."""
    variables = {
        value: name
        for name, value in os.environ.items()
        if SECRET_KEY_PATTERN.search(name) and len(value) >= _MIN_SECRET_CHARACTERS
    }
    messages = {value: _variable_message(name) for value, name in variables.items()}
    messages |= {key: _written_message(name) for key, name in _written_keys(composed)}
    for path, text in _text_values(composed.config, ()) if messages else ():
        for message in (message for value, message in messages.items() if value in text):
            diagnostics.add_at(path, message, todo=_LEAVE_OUT)
    for path, text in _text_values(composed.config, ()):
        if diagnostics.provenance.is_typed(path) and holds_key(text) and not may_hold_secret(path[-1], text):
            diagnostics.add_at(path, _TYPED_KEY, todo=_LEAVE_OUT)
    for key, text in composed.request.items():
        if holds_key(text):
            diagnostics.add(f"command line: {key}=…", _TYPED_KEY, todo=_LEAVE_OUT)
        for message in (message for value, message in messages.items() if value in text):
            diagnostics.add(f"command line: {key}=…", message, todo="leave it out")


def _variable_message(name: str) -> str:
    return f"this holds the value of the environment variable {name}, which the run would write into its files"


def _written_message(model: str) -> str:
    return f"this holds the key of the model '{model}', which the run would write into its files"


def _written_keys(composed: ComposedConfig) -> Iterator[tuple[str, str]]:
    models: Any = composed.config.get("models")
    for name, entry in cast("dict[str, Any]", models).items() if isinstance(models, dict) else ():
        key = cast("dict[str, Any]", entry).get("api_key") if isinstance(entry, dict) else None
        if isinstance(key, str) and len(key) >= _MIN_KEY_CHARACTERS:
            yield key, name


def _text_values(value: JsonValue, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, str):
        if not (len(path) == 3 and path[0] == "models" and SECRET_KEY_PATTERN.search(path[-1])):
            yield path, value
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, JsonValue]", value).items():
            yield from _text_values(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _text_values(inner, (*path, str(number)))
