"""The base of every model of the contract: strict, immutable, with one canonical JSON form."""

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
"""Types that contain no other values. Checked first, since most values of a cell have one of them."""
_SEQUENCE_TYPES = (list, tuple)
_MAPPING_TYPES = (dict, MappingProxyType, Mapping)
"""The abstract class stands last, since `isinstance` is slow for it."""


def _freeze(value: Any) -> Any:
    if type(value) in _SCALAR_TYPES:
        return value
    if isinstance(value, _SEQUENCE_TYPES):
        return tuple([_freeze(item) for item in value])  # type: ignore[reportUnknownVariableType]
    if isinstance(value, _MAPPING_TYPES):
        return MappingProxyType({str(key): _freeze(item) for key, item in value.items()})  # type: ignore[reportUnknownVariableType,reportUnknownArgumentType]
    return value


def thawed(value: Any) -> Any:
    """Returns `value` with frozen maps and tuples as plain dicts and lists, at every depth."""
    if type(value) in _SCALAR_TYPES:
        return value
    if isinstance(value, _SEQUENCE_TYPES):
        return [thawed(item) for item in value]  # type: ignore[reportUnknownVariableType]
    if isinstance(value, _MAPPING_TYPES):
        return {key: thawed(item) for key, item in value.items()}  # type: ignore[reportUnknownVariableType]
    return value


def _thaw_input(value: Any, info: ValidationInfo) -> Any:
    """Thaws the input, so that a model accepts another's frozen map. Input that is read from JSON was never frozen."""
    return value if info.mode == "json" else thawed(value)


FrozenMap: TypeAlias = Annotated[
    Mapping[str, JsonValue], BeforeValidator(_thaw_input), AfterValidator(_freeze), PlainSerializer(thawed)
]
"""A JSON object that cannot be changed at any depth; dumps as a plain dict."""

AnyJson: TypeAlias = Annotated[JsonValue, BeforeValidator(_thaw_input)]
"""Any JSON value, also one from a frozen map."""


def canonical_json(value: Any) -> str:
    """Returns the one JSON text that equal values share: sorted keys, no spaces, no NaN.

    Pydantic models are dumped first. Raises ValueError for NaN and infinities, TypeError for values that are not JSON.
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
