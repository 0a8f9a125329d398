"""The smallest JSON that a JSON schema allows."""

from __future__ import annotations

from typing import Any

_WORDS = "The passages say so in as many words. "


def minimal_instance(schema: dict[str, Any], root: dict[str, Any] | None = None, depth: int = 0) -> Any:
    """A value that fits `schema`; every property is given, arrays hold one item unless more are asked for."""
    root = schema if root is None else root
    if "$ref" in schema:
        return minimal_instance(_resolve(schema["$ref"], root), root, depth + 1)
    for word in ("const", "enum"):
        if word in schema:
            return schema[word][0] if word == "enum" else schema[word]
    for word in ("anyOf", "oneOf", "allOf"):
        if schema.get(word):
            return minimal_instance(_first_non_null(schema[word]), root, depth + 1)
    return _of_type(schema, root, depth)


def _of_type(schema: dict[str, Any], root: dict[str, Any], depth: int) -> Any:
    declared: str | list[str] = schema.get("type", "object" if "properties" in schema else "string")
    kind = declared if isinstance(declared, str) else declared[0]
    match kind.lower():
        case "object":
            properties: dict[str, Any] = schema.get("properties", {})
            return {name: minimal_instance(inner, root, depth + 1) for name, inner in properties.items()}
        case "array":
            wanted = 0 if depth > 12 else max(int(schema.get("minItems", 1)), 1)
            return [minimal_instance(schema.get("items", {}), root, depth + 1) for _ in range(wanted)]
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
        case "null":
            return None
        case _:
            return _text(schema)


def _text(schema: dict[str, Any]) -> str:
    least = int(schema.get("minLength", 0))
    text = _WORDS * (least // len(_WORDS) + 1)
    return text[: int(schema.get("maxLength", len(text)))].strip().ljust(least, ".")


def _resolve(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        found = found[step] if step else found
    return found


def _first_non_null(options: list[dict[str, Any]]) -> dict[str, Any]:
    return next((option for option in options if option.get("type") != "null"), options[0])
