"""Why a model's reply does not have the form that was asked for, in plain words: whoever reads them is no programmer.

The model itself is told in the validator's words, which are a part of the key of what it is asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

_MAX_NAMED = 5
_KINDS = {
    "string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false", "array": "a list",
    "object": "an object with names", "null": "nothing",
}  # fmt: skip
_TYPES = {
    "string_type": "string", "int_type": "integer", "int_parsing": "integer", "int_from_float": "integer",
    "float_type": "number", "float_parsing": "number", "bool_type": "boolean", "bool_parsing": "boolean",
    "list_type": "array", "tuple_type": "array", "dict_type": "object", "model_type": "object",
    "model_attributes_type": "object",
}  # fmt: skip
"""Pydantic's kind of an error -> the type in a JSON schema."""
_ENDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is none of the names that were asked for",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "is empty or too short",
    "too_long": "has more than {max_length}",
    "too_short": "has fewer than {min_length}",
    "greater_than": "should be more than {gt}",
    "greater_than_equal": "should be {ge} or more",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be {le} or less",
    "literal_error": "should be {expected}",
    "enum": "should be {expected}",
}
_SCHEMA_ENDS: Mapping[str, Callable[[Any], str]] = {
    "type": lambda kind: f"should be {_KINDS.get(kind, kind)}" if isinstance(kind, str) else "is of another type",
    "enum": lambda words: f"should be one of {', '.join(map(str, words))}",
    "const": lambda word: f"should be {word}",
    "minItems": lambda least: f"has fewer than {least}",
    "maxItems": lambda most: f"has more than {most}",
    "minLength": lambda _: "is empty or too short",
    "maxLength": lambda most: f"is longer than {most} characters",
    "minimum": lambda least: f"should be {least:g} or more",
    "maximum": lambda most: f"should be {most:g} or less",
}
"""Keyword of a JSON schema, with its value -> the end of a sentence."""


def reply_misfit(error: ValidationError) -> str:
    """What does not fit of a reply."""
    return _joined(_reply_sentence(one) for one in error.errors()[:_MAX_NAMED])


def argument_misfit(errors: Iterable[Any], target: str) -> str:
    """What does not fit of the arguments that a model gave for `target`; `errors` are those of a JSON schema."""
    return _joined(f"what it gave '{target}' does not fit: {_schema_sentence(one)}" for one in errors)


def _joined(sentences: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(sentences))


def _reply_sentence(details: Any) -> str:
    kind, place = str(details["type"]), ".".join(map(str, details["loc"]))
    named = f"`{place}`" if place else "it"
    if kind == "json_invalid":
        if str(details.get("input", "-")).strip() == "":
            return f"{named} is empty"
        return f"{named} is no JSON, but words or a part of it"
    if kind in _TYPES:
        return f"{named} should be {_KINDS[_TYPES[kind]]}"
    if kind in _ENDS:
        return f"{named} {_ENDS[kind].format(**{'expected': '', **details.get('ctx', {})}).replace(chr(39), '')}"
    message = str(details["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    return f"{named}: {message}" if place else message


def _schema_sentence(error: Any) -> str:
    place, value = ".".join(map(str, error.absolute_path)), error.validator_value
    if error.validator == "required":
        return _joined(f"`{name}` is missing" for name in value if name not in error.instance)
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        return _joined(f"it takes no `{str(name)[:80]}`" for name in error.instance if name not in known)
    end = _SCHEMA_ENDS[error.validator](value) if error.validator in _SCHEMA_ENDS else "does not fit"
    return f"`{place}` {end}" if place else f"it {end}"
