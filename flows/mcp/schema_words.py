"""Why an argument does not fit its JSON schema, in plain words: the validator says it in those of a programmer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from contract.errors import Problem
from flows.config.diagnostics import closest_name, listed_beside

_MAX_SHOWN = 80
"""Characters of a value that a sentence repeats."""
_TYPES = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list",
    "object": "an object with names", "null": "null",
}  # fmt: skip
_LIMITS: Mapping[str, Callable[[Any], str]] = {
    "type": lambda kinds: f"should be {' or '.join(_TYPES[one] for one in _listed(kinds))}",
    "minimum": lambda least: f"should be {least:g} or more",
    "maximum": lambda most: f"should be {most:g} or less",
    "exclusiveMinimum": lambda least: f"should be more than {least:g}",
    "exclusiveMaximum": lambda most: f"should be less than {most:g}",
    "minLength": lambda least: f"should have {least} letters or more",
    "maxLength": lambda most: f"should have {most:,} letters or fewer",
    "minItems": lambda least: f"should name {least} or more",
    "maxItems": lambda most: f"should name {most} or fewer",
    "maxProperties": lambda most: f"should name {most} or fewer",
    "uniqueItems": lambda _: "should name each only once",
    "pattern": lambda _: "is not written as it should be",
    "const": lambda value: f"should be {shown(value)}",
    "required": lambda names: f"should have {', '.join(names)}",
}
"""Keyword of a schema, with its value -> the end of a sentence."""


def misfit(where: str, error: Any) -> Problem:
    """The problem that a validator's error stands for."""
    error = _innermost(error)
    value, keyword = error.instance, error.validator
    if keyword == "enum":
        names = [str(one) for one in error.validator_value]
        near = closest_name(value, names) if isinstance(value, str) else None
        return Problem(where, f"it is {shown(value)}", nearest=near, todo=listed_beside(near, names))
    if keyword == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = [name for name in value if name not in known]
        near = closest_name(unknown[0], known) if unknown else None
        return Problem(where, f"it has no '{short_text(', '.join(unknown))}'", near, listed_beside(near, known))
    if keyword == "anyOf" and (kinds := [one["type"] for one in error.validator_value if "type" in one]):
        return Problem(where, f"it is {shown(value)}, but {_LIMITS['type'](kinds)}")
    end = _LIMITS[keyword](error.validator_value) if keyword in _LIMITS else "does not fit"
    if value in ("", [], {}):
        return Problem(where, "it is empty")
    return Problem(where, f"it {end}" if keyword == "uniqueItems" else f"it is {shown(value)}, but {end}")


def _innermost(error: Any) -> Any:
    """Of alternatives, why the one does not fit that is of the value's own type."""
    if error.validator == "anyOf":
        of_its_type = [one for one in error.context if one.validator != "type"]
        return _innermost(of_its_type[0]) if len(of_its_type) == 1 else error
    return error


def _listed(value: Any) -> list[Any]:
    return list(cast("list[Any]", value)) if isinstance(value, list) else [value]


def shown(value: Any) -> str:
    """The value as the client wrote it, shortened."""
    return short_text(json.dumps(value, ensure_ascii=False))


def short_text(text: str) -> str:
    """The text, or its beginning and its end."""
    return text if len(text) <= 3 * _MAX_SHOWN else f"{text[:_MAX_SHOWN]} … {text[-_MAX_SHOWN:]}"
