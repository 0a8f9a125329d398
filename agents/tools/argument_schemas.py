"""Argument schemas: what arguments a tool takes, as a schema that stands alone and holds no text for a model.

The schema of an outside server is untrusted. A reference may lead to another host, a pattern may take for ever to
match, and a description may be an instruction. So references are put in place, and of all else only the structure is
kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from contract.base import JsonValue, thawed
from contract.tools import AgentToolDefinition

_KEPT = frozenset(
    {
        "type", "enum", "const", "required", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minProperties", "maxProperties",
    }
)  # fmt: skip
_ONE_SCHEMA = frozenset({"items", "additionalProperties", "not", "contains"})
_SCHEMA_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_MAX_DEPTH = 12
_MAX_PARTS = 2_000
"""Nested schemas of one tool. References that double the size at each level reach it before memory is used up."""
MAX_PROBLEMS = 5


class BadSchema(ValueError):
    """What a tool declares is no schema that arguments could be checked against."""


def argument_schema(definition: AgentToolDefinition) -> dict[str, Any]:
    """Returns the schema of the tool's arguments: an object, without references, patterns and descriptions.

    Raises BadSchema.
    """
    whole: dict[str, Any] = thawed(definition.input_schema)
    structure = _Structure(whole)
    schema: dict[str, Any] = {"additionalProperties": False, **structure.of(whole, 0), "type": "object"}
    schema.setdefault("properties", {})
    try:
        Draft202012Validator.check_schema(schema)  # type: ignore[reportUnknownMemberType]
    except SchemaError as error:
        raise BadSchema(f"the arguments of '{definition.name}' are not described by a JSON schema") from error
    return schema


def argument_problems(definition: AgentToolDefinition, arguments: Mapping[str, JsonValue]) -> list[str]:
    """Returns what does not fit of the arguments, one sentence each; none where they fit."""
    validator = Draft202012Validator(argument_schema(definition))
    errors: Any = validator.iter_errors(thawed(arguments))  # type: ignore[reportUnknownMemberType]
    named = (f"{'.'.join(map(str, error.absolute_path)) or 'arguments'}: {error.message}"[:300] for error in errors)
    return list(dict.fromkeys(named))[:MAX_PROBLEMS]


class _Structure:
    def __init__(self, whole: Mapping[str, Any]) -> None:
        self._whole = whole
        self._parts = 0

    def of(self, schema: Any, depth: int) -> dict[str, Any]:
        """The structure of `schema`; anything goes where it is nested too deeply, or within itself."""
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise BadSchema("the description of its arguments is too large")
        if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
            return {}
        known = cast("Mapping[str, Any]", schema)
        if "$ref" in known:
            return self.of(self._target(known["$ref"]), depth + 1)
        found = {key: value for key, value in known.items() if key in _KEPT}
        properties = known.get("properties")
        if isinstance(properties, Mapping):
            named = cast("Mapping[str, Any]", properties)
            found["properties"] = {name: self.of(value, depth + 1) for name, value in named.items()}
        for key in _ONE_SCHEMA & known.keys():
            value = known[key]
            found[key] = value if isinstance(value, bool) else self.of(value, depth + 1)
        for key in _SCHEMA_LISTS & known.keys():
            if isinstance(known[key], list):
                found[key] = [self.of(one, depth + 1) for one in known[key]]
        return found

    def _target(self, reference: Any) -> Any:
        """What a reference within the schema leads to; None where it leads elsewhere."""
        at: Any = self._whole
        if not str(reference).startswith("#/"):
            return None
        for part in str(reference)[2:].split("/"):
            if not isinstance(at, Mapping):
                return None
            at = cast("Mapping[str, Any]", at).get(part.replace("~1", "/").replace("~0", "~"))
        return at
