"""RecordColumns: the fields of records that a table shows, or hides, as a study names them."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, cast

from pydantic import BeforeValidator

_WHOLE = ("title", "text", "uri", "mime")
NESTED_FIELDS = ("metadata", "sections", "ground_truth")
"""Fields with parts: `metadata` stands for all of them, `metadata.author` for one."""


def _columns(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple):
        return names
    for name in cast("list[Any]", names):
        place, dot, part = str(name).partition(".")
        if place in NESTED_FIELDS and bool(dot) == bool(part):
            continue
        if name == "record_id":
            raise ValueError("'record_id' is in that table anyway; leave it out")
        if place not in _WHOLE or dot:
            raise ValueError(
                f"'{name}' is no field of a record; write title, text, uri, mime, metadata, sections or ground_truth, "
                "or a part of the last three such as metadata.author"
            )
    return tuple(dict.fromkeys(cast("list[str]", names)))


RecordColumns: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_columns)]
