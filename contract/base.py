"""What every model of the contract shares: strictness, immutability and one canonical form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, JsonValue, PlainSerializer, ValidationInfo

__all__ = ["AnyJson", "Frozen", "FrozenMap", "JsonValue", "canonical_json", "digest", "thawed"]


class Frozen(BaseModel):
    """Base of every model here: unknown fields are errors, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


_SCALAR_TYPES = frozenset({str, int, float, bool, type(None)})
"""Types of what holds nothing else. Asked for first: a cell is mostly these."""
_SEQUENCE_TYPES = (list, tuple)
_MAPPING_TYPES = (dict, MappingProxyType, Mapping)
"""The abstract class last: it is costly to look for."""


def _freeze(value: Any) -> Any:
    if type(value) in _SCALAR_TYPES:
        return value
    if isinstance(value, _SEQUENCE_TYPES):
        return tuple([_freeze(item) for item in value])  # type: ignore[reportUnknownVariableType]
    if isinstance(value, _MAPPING_TYPES):
        return MappingProxyType({str(key): _freeze(item) for key, item in value.items()})  # type: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    return value


def thawed(value: Any) -> Any:
    """Frozen maps and tuples as plain dicts and lists, however deep: ordinary JSON again."""
    if type(value) in _SCALAR_TYPES:
        return value
    if isinstance(value, _SEQUENCE_TYPES):
        return [thawed(item) for item in value]  # type: ignore[reportUnknownVariableType]
    if isinstance(value, _MAPPING_TYPES):
        return {key: thawed(item) for key, item in value.items()}  # type: ignore[reportUnknownVariableType]
    return value


def _thaw_input(value: Any, info: ValidationInfo) -> Any:
    """Thawed, so that one model's frozen map can be given to another; what is read from JSON never was frozen."""
    return value if info.mode == "json" else thawed(value)


FrozenMap: TypeAlias = Annotated[
    Mapping[str, JsonValue], BeforeValidator(_thaw_input), AfterValidator(_freeze), PlainSerializer(thawed)
]
"""A JSON object that cannot be changed, however deep; dumps as a plain dict."""

AnyJson: TypeAlias = Annotated[JsonValue, BeforeValidator(_thaw_input)]
"""Any JSON value, which may also come out of a frozen map."""


def canonical_json(value: Any) -> str:
    """`value` as the one JSON text that equal values share: sorted keys, no spaces, no NaN.

    Pydantic models are dumped first. Raises ValueError for NaN and infinities, TypeError for what is not JSON.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_dump_nested
    )


def _dump_nested(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return thawed(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, in hexadecimal (64 characters)."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
