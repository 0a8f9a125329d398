"""Reads a reply whose content is whole and whose form is not quite the one that was asked for.

What is read is what the model wrote, in the only place where it can belong:

- the one member of a list, and the one value of an object (`[{…}]`, `{"result": {…}}`), where that is what was asked
  for;
- null, where a field may be left out, is as good as left out;
- a field that was not asked for is passed over where all others are there, so that it is none of them misspelt, and
  where it does not hold another answer to one of them (`"verdict": "no", "final_verdict": "yes"`).

A value that lacks is never made up. Strict as before are the names of a codebook's variables and of a tool's arguments:
one too many there is an answer to something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from agents.llms.schema_places import resolved_schema
from contract.base import JsonValue

_MAX_WRAPPERS = 3
_GRADES = frozenset({"low", "medium", "high"})
"""Words that grade anything: `"confidence": "high"` is no second answer to an uncertainty."""
Fold: TypeAlias = Callable[[str], str]


def loosened(value: JsonValue, schema: Mapping[str, Any], fold: Fold) -> Iterator[JsonValue]:
    """The value in other forms, those nearest to what was written first. `fold` makes spellings of one word alike."""
    definitions = schema.get("$defs", {})
    for _ in range(_MAX_WRAPPERS):
        yield _without_surplus(value, schema, definitions, fold)
        inner = _unwrapped(value)
        if inner is None:
            return
        value = inner
        yield value


def _unwrapped(value: Any) -> JsonValue:
    members: list[Any] = []
    if isinstance(value, dict):
        members = [*cast("dict[str, Any]", value).values()]
    elif isinstance(value, list):
        members = cast("list[Any]", value)
    inner: Any = members[0] if len(members) == 1 else None
    return inner if isinstance(inner, dict | list) else None  # type: ignore[reportUnknownVariableType]


def _without_surplus(value: Any, schema: Any, definitions: Mapping[str, Any], fold: Fold) -> Any:
    schema = resolved_schema(schema, definitions)
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_without_surplus(item, schema.get("items"), definitions, fold) for item in items]
    properties = schema.get("properties")
    if not isinstance(value, dict) or not isinstance(properties, Mapping):
        return cast("Any", value)
    fields = cast("dict[str, Any]", value)
    known = cast("Mapping[str, Any]", properties)
    kept = {
        name: _without_surplus(item, known[name], definitions, fold)
        for name, item in fields.items()
        if name in known and not (item is None and _may_be_left_out(known[name]))
    }
    surplus = {name: item for name, item in fields.items() if name not in known}
    answers = {name: _allowed(known[name], definitions, fold) for name in known}
    if known.keys() <= fields.keys() and not _answers_again(surplus, kept, answers, fold):
        return kept
    return {**kept, **surplus}


def _may_be_left_out(schema: Any) -> bool:
    """Whether the field has a default, and null is none of its values."""
    if not isinstance(schema, Mapping):
        return False
    known = cast("Mapping[str, Any]", schema)
    return "default" in known and {"type": "null"} not in known.get("anyOf", ())


def _allowed(schema: Any, definitions: Mapping[str, Any], fold: Fold) -> frozenset[str]:
    """The fixed values of a field, folded; none where they only grade something."""
    values = frozenset(
        fold(one) for one in resolved_schema(schema, definitions).get("enum", ()) if isinstance(one, str)
    )
    return frozenset() if values <= _GRADES else values


def _answers_again(
    surplus: Mapping[str, Any], given: Mapping[str, Any], answers: Mapping[str, frozenset[str]], fold: Fold
) -> bool:
    """Whether what was not asked for holds an answer to a field that differs from the one given."""
    texts = {fold(text) for text in _texts(surplus)}
    return any(texts & (allowed - {fold(str(given.get(name)))}) for name, allowed in answers.items())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for item in cast("Mapping[str, Any]", value).values() for text in _texts(item))
    elif isinstance(value, list):
        yield from (text for item in cast("list[Any]", value) for text in _texts(item))
