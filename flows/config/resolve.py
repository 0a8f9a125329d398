"""From a merged OmegaConf tree to plain JSON: every interpolation resolved, every one that cannot be told."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationKeyError, OmegaConfBaseException

from contract.base import JsonValue
from flows.config.diagnostics import Findings, nearest
from flows.config.provenance import KeyPath


def resolved(config: DictConfig, findings: Findings) -> dict[str, JsonValue]:
    """The whole configuration as plain JSON; what cannot be resolved is null, told and marked as spoilt."""
    return {str(key): _child(config, key, (str(key),), findings) for key in config}


def _child(node: Any, key: Any, path: KeyPath, findings: Findings) -> JsonValue:
    if OmegaConf.is_missing(node, key):
        return _spoilt(path, "a value has still to be written here (???)", findings)
    try:
        value = node[key]
        return _plain(value, path, findings)
    except InterpolationKeyError:
        return _missing_key(node, key, path, findings)
    except RecursionError:
        raw = _raw(node, key)
        return _spoilt(path, f"{raw} leads back to itself", findings, todo="write a value in one of the places")
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0]
        if "recursi" in reason.lower():
            return _spoilt(
                path, f"{_raw(node, key)} leads back to itself", findings, todo="write a value in one of the places"
            )
        return _spoilt(path, f"{_raw(node, key)} has no value: {reason}", findings)


def _plain(value: Any, path: KeyPath, findings: Findings) -> JsonValue:
    if isinstance(value, DictConfig):
        return {str(key): _child(value, key, (*path, str(key)), findings) for key in value}
    if isinstance(value, ListConfig):
        return [_child(value, number, (*path, str(number)), findings) for number in range(len(value))]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _missing_key(node: Any, key: Any, path: KeyPath, findings: Findings) -> JsonValue:
    raw = _raw(node, key)
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
                if near := nearest(word, [str(name) for name in at]):
                    close = "${" + ".".join([*words[:length], near, *words[length + 1 :]]) + "}"
                break
    if findings.is_spoilt(tuple(words)):
        findings.spoil(path)
        return None
    todo = "name a key that exists"
    if words[0] == "llms" and len(words) == 2:
        roles = ("llms", *[str(role) for role in root.get("llms") or ()][:1])
        file = findings.provenance.where(roles).rpartition(":")[0]
        todo = f"or give the role a model: add `{words[1]}: <name of a model>` to {file}"
    return _spoilt(path, f"{raw} names nothing in the configuration", findings, near=close, todo=todo)


def _raw(node: Any, key: Any) -> str:
    return str(OmegaConf.to_container(node, resolve=False)[key])  # type: ignore[reportArgumentType,reportCallIssue,reportIndexIssue]


def _spoilt(path: KeyPath, what: str, findings: Findings, *, near: str | None = None, todo: str | None = None) -> None:
    if not findings.is_spoilt(path):
        findings.say(findings.provenance.where_written(path), what, nearest=near, todo=todo)
    findings.spoil(path)
