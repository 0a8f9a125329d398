"""Resolves every interpolation of a merged OmegaConf tree into plain JSON, and reports those that have no value."""

from __future__ import annotations

import math
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from contract.base import JsonValue
from flows.config.diagnostics import Diagnostics, closest_name
from flows.config.provenance import KeyPath


def resolve_config(config: DictConfig, diagnostics: Diagnostics) -> dict[str, JsonValue]:
    """The whole configuration as plain JSON. A value that cannot be resolved is reported, marked as such, and null."""
    return {str(key): _resolve_child(config, key, (str(key),), diagnostics) for key in config}


def _resolve_child(node: Any, key: Any, path: KeyPath, diagnostics: Diagnostics) -> JsonValue:
    if OmegaConf.is_missing(node, key):
        return _report_unresolved(path, "a value is missing here (???)", diagnostics)
    try:
        value = node[key]
        return _resolve_value(value, path, diagnostics)
    except InterpolationKeyError:
        return _report_missing_key(node, key, path, diagnostics)
    except RecursionError:
        raw = _raw_text(node, key)
        return _report_unresolved(
            path, f"{raw} leads back to itself", diagnostics, todo="write a value in one of the places"
        )
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0]
        if "recursi" in reason.lower():
            return _report_unresolved(
                path,
                f"{_raw_text(node, key)} leads back to itself",
                diagnostics,
                todo="write a value in one of the places",
            )
        return _report_unresolved(path, f"{_raw_text(node, key)} has no value: {reason}", diagnostics)


def _resolve_value(value: Any, path: KeyPath, diagnostics: Diagnostics) -> JsonValue:
    if isinstance(value, DictConfig):
        return {str(key): _resolve_child(value, key, (*path, str(key)), diagnostics) for key in value}
    if isinstance(value, ListConfig):
        return [_resolve_child(value, number, (*path, str(number)), diagnostics) for number in range(len(value))]
    if isinstance(value, float) and not math.isfinite(value):
        return _report_unresolved(path, f"the number {value} is too large, or none", diagnostics, todo="write another")
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _report_missing_key(node: Any, key: Any, path: KeyPath, diagnostics: Diagnostics) -> JsonValue:
    raw = _raw_text(node, key)
    wanted = raw.removeprefix("${").removesuffix("}")
    root = node._get_root()
    close = None
    words = wanted.split(".")
    if words[0]:
        for length, word in enumerate(words):
            try:
                at: Any = OmegaConf.select(root, ".".join(words[:length])) if length else root
            except OmegaConfBaseException:
                break
            if not isinstance(at, DictConfig):
                break
            if word not in at:
                if near := closest_name(word, [str(name) for name in at]):
                    close = "${" + ".".join([*words[:length], near, *words[length + 1 :]]) + "}"
                break
    if diagnostics.is_reported(tuple(words)):
        diagnostics.mark_reported(path)
        return None
    todo = "name a key that exists"
    if words[0] == "llms" and len(words) == 2:
        roles = ("llms", *[str(role) for role in root.get("llms") or ()][:1])
        file = diagnostics.provenance.where(roles).rpartition(":")[0]
        todo = f"or give the role a model: add `{words[1]}: <name of a model>` to {file}"
    return _report_unresolved(path, f"{raw} names nothing in the configuration", diagnostics, near=close, todo=todo)


def _raw_text(node: Any, key: Any) -> str:
    return str(OmegaConf.to_container(node, resolve=False)[key])  # type: ignore[reportArgumentType,reportCallIssue,reportIndexIssue]


def _report_unresolved(
    path: KeyPath, what: str, diagnostics: Diagnostics, *, near: str | None = None, todo: str | None = None
) -> None:
    if not diagnostics.is_reported(path):
        diagnostics.add(diagnostics.provenance.where_written(path), what, nearest=near, todo=todo)
    diagnostics.mark_reported(path)
