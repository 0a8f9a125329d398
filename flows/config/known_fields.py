"""Known fields: what a section of the configuration may hold, whether or not its files write it.

Hydra takes a name on the command line only where a file has it already. A model's `settings`, a step's `repeats` and
their like have defaults, so a file may leave them out; setting them on the command line is no new name all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, Union, cast, get_args, get_origin

from pydantic import BaseModel

from contract.flow import FlowSpec
from contract.models import ModelConfig
from contract.run import RunSettings
from contract.storage import StorageConfig

_NAMED: Mapping[str, Any] = {"flows": FlowSpec, "models": ModelConfig, "storage": StorageConfig}
"""Section -> what each name in it stands for."""


def fields_at(words: Sequence[str], config: Any) -> frozenset[str]:
    """The names that a place such as `models.gpt.settings` may hold; empty where the names in it are free."""
    models = list(_models(_types_at(words)))
    chosen = [model for model in models if _is_of_kind(model, _value_at(config, words))]
    return frozenset(name for model in chosen or models for name in model.model_fields)


def names_at(words: Sequence[str], config: Any) -> list[str]:
    """The names that stand there."""
    found = _value_at(config, words)
    return list(map(str, cast("Mapping[str, Any]", found))) if isinstance(found, Mapping) else []


def is_known_field(words: Sequence[str], config: Any) -> bool:
    """Whether a dotted name may be set although no file has it: all of it is declared, or has a name that is there."""
    for length, word in enumerate(words):
        if _value_at(config, words[: length + 1]) is not None or word in fields_at(words[:length], config):
            continue
        if not any(_is_free(found) for found in _types_at(words[:length])):
            return False
    return len(words) > 1 and bool(_types_at(words[:-1]))


def _value_at(config: Any, words: Sequence[str]) -> Any:
    for word in words:
        config = cast("Mapping[str, Any]", config).get(word) if isinstance(config, Mapping) else None
    return config


def _is_of_kind(model: type[BaseModel], value: Any) -> bool:
    """Whether the `kind` or `type` that stands there is the model's; a node of a flow names none."""
    given = cast("Mapping[str, Any]", value if isinstance(value, Mapping) else {})
    return any(
        name in model.model_fields and given.get(name) in get_args(model.model_fields[name].annotation)
        for name in ("kind", "type")
    )


def _types_at(words: Sequence[str]) -> list[Any]:
    if not words:
        return []
    section, *rest = words
    if section == "run":
        found: list[Any] = [RunSettings]
    elif section in _NAMED and rest:
        found, rest = [_NAMED[section]], rest[1:]
    else:
        return []
    for word in rest:
        found = [below for one in found for below in _below(one, word)]
    return found


def _below(annotation: Any, word: str) -> Iterator[Any]:
    for one in _members(annotation):
        if isinstance(one, type) and issubclass(one, BaseModel):
            if word in one.model_fields:
                yield one.model_fields[word].annotation
        elif _is_mapping(one):
            yield get_args(one)[1]


def _models(annotations: Sequence[Any]) -> Iterator[type[BaseModel]]:
    for annotation in annotations:
        for one in _members(annotation):
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield one


def _is_free(annotation: Any) -> bool:
    """Whether any name may stand there: in a mapping to values, such as a step's parameters, but not one to steps."""
    return any(_is_mapping(one) and not list(_models([get_args(one)[1]])) for one in _members(annotation))


def _is_mapping(annotation: Any) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _members(annotation: Any) -> Iterator[Any]:
    """The alternatives of a type, without what only annotates it."""
    if get_origin(annotation) in (Union, UnionType):
        for one in get_args(annotation):
            yield from _members(one)
    elif hasattr(annotation, "__metadata__"):
        yield from _members(get_args(annotation)[0])
    else:
        yield annotation
