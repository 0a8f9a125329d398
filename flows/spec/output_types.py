"""Finds the type that a reference names: follows a JMESPath, or dotted words, through an agent's declared types."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

UNKNOWN_TYPE: Any = object()
"""The type of a value that cannot be known before the run."""


class UnknownField(Exception):
    """A path names a field that the type does not have."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(name)
        self.name = name
        self.known = known


def type_at_path(kind: Any, path: str) -> Any:
    """The type that `path` (JMESPath) leads to from `kind`. Raises UnknownField for the first wrong word."""
    if not path:
        return kind
    import jmespath

    return _walk(jmespath.compile(path).parsed, kind)  # type: ignore[reportUnknownMemberType,reportUnknownArgumentType]


def type_at_attributes(kind: Any, words: Iterable[str]) -> Any:
    """The type that dotted words lead to from `kind`. Raises UnknownField for the first wrong word."""
    for word in words:
        kind = _attribute_type(kind, word)
    return kind


def _walk(node: Mapping[str, Any], kind: Any) -> Any:
    children: Sequence[Mapping[str, Any]] = node["children"]
    match node["type"]:
        case "field":
            return _attribute_type(kind, node["value"])
        case "subexpression" | "index_expression" | "pipe":
            for child in children:
                kind = _walk(child, kind)
            return kind
        case "index":
            return item_type(kind)
        case "slice" | "identity" | "current":
            return kind
        case "flatten":
            return _walk(children[0], kind)
        case "projection" | "filter_projection":
            return _list_type(_walk(children[1], item_type(_walk(children[0], kind))))
        case _:
            return UNKNOWN_TYPE


def _list_type(kind: Any) -> Any:
    return UNKNOWN_TYPE if kind is UNKNOWN_TYPE else tuple[kind, ...]


def _union_members(kind: Any) -> list[Any]:
    """`kind` without annotations, as the members of a union that are not None."""
    if get_origin(kind) is Annotated:
        return _union_members(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [bare for member in get_args(kind) if member is not type(None) for bare in _union_members(member)]
    return [kind]


def _attribute_type(kind: Any, name: str) -> Any:
    known: list[str] = []
    for bare in _union_members(kind):
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            if name in bare.model_fields:
                return bare.model_fields[name].annotation
            if name in bare.model_computed_fields:
                return bare.model_computed_fields[name].return_type
            known += [*bare.model_fields, *bare.model_computed_fields]
        elif bare not in (str, int, float, bool) and get_origin(bare) not in (tuple, list):
            return UNKNOWN_TYPE
    raise UnknownField(name, known)


def item_type(kind: Any) -> Any:
    """The type of the items of a list; unknown if that is no list."""
    for bare in _union_members(kind):
        if get_origin(bare) in (tuple, list) and get_args(bare):
            return get_args(bare)[0]
    return UNKNOWN_TYPE


def is_list(kind: Any) -> bool:
    """Whether a value of the type is a list for certain."""
    return kind is not UNKNOWN_TYPE and all(get_origin(bare) in (tuple, list) for bare in _union_members(kind))
