"""Where in the data of a flow an error is, of which Pydantic says where it is among the types of the contract."""

from __future__ import annotations

from typing import Any, cast

from flows.config.nested_data import Data
from flows.config.provenance import KeyPath


def data_path(data: Data, loc: tuple[Any, ...]) -> KeyPath:
    """Pydantic's location without the names of union members: the keys that exist in the data."""
    found: list[str] = []
    at: Any = data
    for word in _without_tags(loc):
        if isinstance(at, dict) and word in at:
            at = cast("Data", at)[word]
            found.append(str(word))
        elif isinstance(at, list | tuple) and isinstance(word, int) and word < len(cast("list[Any]", at)):
            at = cast("list[Any]", at)[word]
            found.append(str(word))
    return tuple(found)


def _without_tags(loc: tuple[Any, ...]) -> list[Any]:
    """Drops the kind of each node, which Pydantic puts after the node's name: `loop` would look like its field."""
    kept: list[Any] = []
    state = "root"
    for word in loc:
        if state == "tag":
            state = "node"
            continue
        kept.append(word)
        if state == "nodes":
            state = "tag"
        else:
            opens = (state, word) in (("root", "steps"), ("node", "loop"))
            state = "nodes" if opens else "other"
    return kept
