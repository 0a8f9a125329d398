"""Fragments: steps that `/agents@agents: …` in a flow's defaults list brings in from another file."""

from __future__ import annotations

from contract.base import JsonValue
from flows.config.diagnostics import Diagnostics


def merge_fragments(name: str, flow: dict[str, JsonValue], diagnostics: Diagnostics) -> dict[str, JsonValue]:
    """The flow with the steps brought in by `/agents@agents: …`; the flow's own values win."""
    fragments = flow.get("agents")
    steps = flow.get("steps")
    rest = {key: value for key, value in flow.items() if key != "agents"}
    if not isinstance(fragments, dict):
        return rest if fragments is None else flow
    path = ("flows", name)
    merged: dict[str, JsonValue] = dict(steps) if isinstance(steps, dict) else {}
    for step, fragment in fragments.items():
        holder, at = _find_holder(merged, step, (*path, "steps"))
        holder[step] = _deep_merge(fragment, holder.get(step))
        diagnostics.provenance.copy_below((*path, "agents", step), (*at, step), overwrite=False)
    return {**rest, "steps": merged}


def _find_holder(
    steps: dict[str, JsonValue], name: str, path: tuple[str, ...]
) -> tuple[dict[str, JsonValue], tuple[str, ...]]:
    """The mapping of steps that holds `name`, at the top or in a loop, and its path; the top if none does."""
    if name not in steps:
        for other, node in steps.items():
            inner = node.get("loop") if isinstance(node, dict) else None
            if isinstance(inner, dict):
                found, at = _find_holder(inner, name, (*path, other, "loop"))
                if name in found:
                    return found, at
    return steps, path


def _deep_merge(lower: JsonValue, upper: JsonValue) -> JsonValue:
    if isinstance(lower, dict) and isinstance(upper, dict):
        return {
            key: _deep_merge(lower.get(key), upper[key]) if key in upper else lower[key] for key in {**lower, **upper}
        }
    return lower if upper is None else upper
