"""Finds the schema of a place in a reply, behind references and alternatives to null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def resolved_schema(schema: Any, definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a reference, or the one alternative to null; an empty one where that is not clear."""
    if not isinstance(schema, Mapping):
        return {}
    known = cast("Mapping[str, Any]", schema)
    if name := known.get("$ref"):
        return resolved_schema(definitions.get(str(name).rpartition("/")[2]), definitions)
    options = [one for one in known.get("anyOf", ()) if one != {"type": "null"}]
    return resolved_schema(options[0], definitions) if len(options) == 1 else known
