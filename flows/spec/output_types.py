"""Finds the type that a reference names: follows a JMESPath, or dotted words, through an agent's declared types."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from pydantic import BaseModel

UNKNOWN_TYPE: Any = object()
"""The type of a value that cannot be known before the run."""


@dataclass(frozen=True)
class Fields:
    """The type of a value whose fields are named one by one, such as the steps of the turn before."""

    types: Mapping[str, Any]


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
            if all(map(_fields, _union_members(kind))):
                # An object has no items: such a path finds nothing in a run.
                raise UnknownField(f"[{node['value']}]", field_names(kind))
            return item_type(kind)
        case "slice" | "identity" | "current":
            return kind
        case "flatten":
            return _walk(children[0], kind)
        case "projection" | "filter_projection":
            return list_type(_walk(children[1], item_type(_walk(children[0], kind))))
        case _:
            return UNKNOWN_TYPE


def list_type(kind: Any) -> Any:
    """The type of a list of such items; unknown if theirs is."""
    return UNKNOWN_TYPE if kind is UNKNOWN_TYPE else tuple[kind, ...]


def common_type(kinds: Sequence[Any]) -> Any:
    """The type that all of them are; unknown if they differ, or if there is none."""
    return kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else UNKNOWN_TYPE


def _union_members(kind: Any) -> list[Any]:
    """`kind` without annotations, as the members of a union that are not None."""
    if get_origin(kind) is Annotated:
        return _union_members(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return [bare for member in get_args(kind) if member is not type(None) for bare in _union_members(member)]
    return [kind]


def _attribute_type(kind: Any, name: str) -> Any:
    for bare in _union_members(kind):
        fields = _fields(bare)
        if name in fields:
            return fields[name]
        if not _has_fields_alone(bare):
            return UNKNOWN_TYPE
    raise UnknownField(name, field_names(kind))


def field_names(kind: Any) -> list[str]:
    """The names of the fields that a value of the type may have, as far as they are known."""
    return list(dict.fromkeys(name for bare in _union_members(kind) for name in _fields(bare)))


def _has_fields_alone(bare: Any) -> bool:
    """Whether a value has no names but those of its type's fields; a list, a text and a number have none at all."""
    if isinstance(bare, Fields) or bare in (str, int, float, bool) or get_origin(bare) in (tuple, list):
        return True
    return is_typeddict(bare) or (isinstance(bare, type) and issubclass(bare, BaseModel))


def _fields(bare: Any) -> Mapping[str, Any]:
    if isinstance(bare, Fields):
        return bare.types
    if is_typeddict(bare):
        return get_type_hints(bare)
    if not isinstance(bare, type) or not issubclass(bare, BaseModel):
        return {}
    computed = {name: field.return_type for name, field in bare.model_computed_fields.items()}
    return {**computed, **{name: field.annotation for name, field in bare.model_fields.items()}}


def item_type(kind: Any) -> Any:
    """The type of the items of a list; unknown if that is no list."""
    members = _union_members(kind)
    if not all(get_origin(bare) in (tuple, list) and get_args(bare) for bare in members):
        return UNKNOWN_TYPE
    items = [item for bare in members for item in get_args(bare) if item is not Ellipsis]
    return Union[tuple(items)]  # noqa: UP007 - the members are known only here


def is_list(kind: Any) -> bool:
    """Whether a value of the type is a list for certain."""
    return kind is not UNKNOWN_TYPE and all(get_origin(bare) in (tuple, list) for bare in _union_members(kind))


def is_open(kind: Any) -> bool:
    """Whether a value of the type may have every name, such as JSON of any form."""
    try:
        return kind is UNKNOWN_TYPE or (_attribute_type(kind, "") is UNKNOWN_TYPE and item_type(kind) is UNKNOWN_TYPE)
    except UnknownField:
        return False
