"""Names the criterion and the model of a cell for tables, and makes the sort keys of rows.

The order of rows depends on the identity of a cell, never on when it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TypeAlias

from agents.prompting.criteria import FILE_SUFFIXES
from contract.base import JsonValue, canonical_json, digest
from contract.flow import FlowSpec, Loop, Node
from contract.messages import AgentTrace

_DIGITS = re.compile(r"([0-9]+)")
_CRITERION = re.compile(r"[\w-]+(/[\w-]+)*(\.\w+)?")

NaturalKey: TypeAlias = tuple[tuple[str | tuple[int, str], ...], str]
CellSortKey: TypeAlias = tuple[NaturalKey, int, str, NaturalKey, int, int, str]


@lru_cache(maxsize=100_000)
def natural_key(text: str) -> NaturalKey:
    """A sort key that puts `r2` before `r10`; other characters by code point."""
    parts = _DIGITS.split(text)
    return tuple(_digits_key(part) if index % 2 else part for index, part in enumerate(parts)), text


def _digits_key(digits: str) -> tuple[int, str]:
    significant = digits.lstrip("0")
    return len(significant), significant


def step_order(spec: FlowSpec) -> dict[str, int]:
    """Step -> its place in the flow as written, the steps of a loop at the loop's place."""
    return {name: index for index, name in enumerate(_step_names(spec.steps))}


def _step_names(nodes: Mapping[str, Node]) -> Iterator[str]:
    for name, node in nodes.items():
        if isinstance(node, Loop):
            yield from _step_names(node.loop)
        else:
            yield name


def cell_sort_key(trace: AgentTrace, steps: Mapping[str, int]) -> CellSortKey:
    """The sort key of a cell's row: by record, step, variant, repeat and round."""
    return (
        natural_key(trace.record_id),
        steps.get(trace.step, len(steps)),
        trace.step,
        natural_key(canonical_json(trace.variant)),
        trace.repeat,
        trace.round,
        trace.cell_id,
    )


def criterion_name(trace: AgentTrace) -> str | None:
    """The name of the criterion that the cell judged by; None where its step has none.

    A criterion given as text is named `literal` and the first digits of its SHA-256, so that two of them differ.
    """
    named = _parameter(trace, "criteria")
    return None if named is None else criterion_key(named)


def criterion_key(named: JsonValue) -> str:
    """The name in tables of a criterion that a step names so, or of one that it gives as text."""
    if not isinstance(named, str) or not _CRITERION.fullmatch(named):
        return f"literal {digest(named)[:6]}"
    stem, dot, suffix = named.rpartition(".")
    return stem if f"{dot}{suffix}" in FILE_SUFFIXES else named


def model_name(trace: AgentTrace) -> str | None:
    """The model that the cell's step is set to ask; None where its agent asks none."""
    named = _parameter(trace, "model")
    return named if named is None or isinstance(named, str) else canonical_json(named)


def _parameter(trace: AgentTrace, name: str) -> JsonValue:
    return trace.variant.get(name, trace.input.parameters.get(name))


def other_dimensions(trace: AgentTrace) -> dict[str, JsonValue]:
    """The cell's variant without its model and its criterion."""
    return {name: value for name, value in trace.variant.items() if name not in ("model", "criteria")}
