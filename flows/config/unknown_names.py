"""Unknown names: what is said of a setting on the command line that no section holds and none may hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flows.config.arguments import DOTTED_NAMES
from flows.config.diagnostics import Diagnostics, closest_name, join_names
from flows.config.known_fields import fields_at, names_at


def report_missing_name(
    words: Sequence[str], length: int, config: Mapping[str, Any], diagnostics: Diagnostics, where: str
) -> None:
    """Reports that what stands before `words[length]` has nothing of that name; names what it may have."""
    word, before = words[length], words[:length]
    holder = f"'{'.'.join(before)}'" if before else "the configuration"
    declared = fields_at(before, config)
    names = sorted({*names_at(before, config), *declared})
    near = closest_name(word, [*names, *(DOTTED_NAMES if not before and len(words) > 1 else ())])
    spelt = ".".join([*before, near, *words[length + 1 :]]) if near else None
    if not before:
        spelt = _within_the_flow(words, config) or spelt
    verb = "may hold" if declared else "holds"
    more = "" if declared or not before else f"; to add a new name write +{'.'.join(words)}=…"
    todo = f"{holder} {verb} {join_names(names)}{more}"
    diagnostics.add(where, f"{holder} holds nothing called '{word}'", nearest=spelt, todo=todo)


def _within_the_flow(words: Sequence[str], config: Mapping[str, Any]) -> str | None:
    """The whole name of `steps.judge.repeats` or `judge.repeats`, as a flow's file has it."""
    flows = names_at(["flows"], config)
    if len(flows) != 1:
        return None
    if words[0] in fields_at(["flows", *flows], config):
        return ".".join(["flows", *flows, *words])
    is_step = words[0] in names_at(["flows", *flows, "steps"], config)
    return ".".join(["flows", *flows, "steps", *words]) if is_step else None
