"""`where.…=`: which documents of a corpus are searched, given on the command line.

where.country=Germany   where.country=[Germany,France]   where.year=">=2020"   where.date.to=2021   where.theme=null

It sets `where` of every step that searches; a field that the flow's YAML names keeps its own condition unless the
request names it as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contract.flow import FlowSpec, Step
from contract.where import BOUNDS, with_bounds
from flows.config.arguments import split_list
from flows.config.diagnostics import Diagnostics, display_argument
from flows.config.provenance import KeyPath
from flows.spec.nodes import map_steps
from flows.spec.search_steps import SEARCH_AGENTS, WHERE


def conditions_of(typed: Mapping[str, str], diagnostics: Diagnostics) -> dict[str, Any]:
    """The conditions that were typed as `where.<field>=<value>`; a name without a field is reported."""
    found: dict[str, Any] = {}
    for name, text in _where_arguments(typed):
        field, _, bound = name.rpartition(".")
        if not name or not text.strip():
            todo = "write for example where.country=Germany, or where.country=null for documents without a value"
            what = "this names no field and value"
            diagnostics.add(f"command line: {_argument(name, text)}", what, todo=todo)
            continue
        wanted = {bound: text.strip()} if field and bound in BOUNDS else _value(text.strip())
        try:
            [wanted] = with_bounds({name: wanted}).values()
        except ValueError as error:
            diagnostics.add(f"command line: {_argument(name, text)}", str(error))
            continue
        before: Any = found.get(_field(name))
        both = isinstance(before, dict) and isinstance(wanted, dict)
        found[_field(name)] = before | wanted if both else wanted
    return found


def with_conditions(
    flow: FlowSpec, path: KeyPath, conditions: Mapping[str, Any], typed: Mapping[str, str], diagnostics: Diagnostics
) -> FlowSpec:
    """The flow, each of whose steps that search has these conditions beside those of its own."""

    def change(step: Step, at: KeyPath) -> Step:
        if step.agent not in SEARCH_AGENTS:
            return step
        for name, text in _where_arguments(typed):
            diagnostics.provenance.add_argument((*at, "parameters", WHERE, _field(name)), _argument(name, text))
        own = step.parameters.get(WHERE)
        merged: dict[str, Any] = {**(own if isinstance(own, dict) else {}), **conditions}
        return step.model_copy(update={"parameters": {**step.parameters, WHERE: merged}})

    return map_steps(flow, change, path)


def _where_arguments(typed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, text in typed.items():
        first, _, rest = name.partition(".")
        if first == WHERE:
            yield rest, text


def _field(name: str) -> str:
    """`year` of `year.from`; a field of its own may be called `from`, too."""
    field, _, bound = name.rpartition(".")
    return field if field and bound in BOUNDS else name


def _argument(name: str, text: str) -> str:
    equals = "" if text.startswith(("<", ">")) else "="
    return display_argument(f"{WHERE}{f'.{name}' if name else ''}{equals}{text}")


def _value(text: str) -> Any:
    if text.startswith("[") and text.endswith("]"):
        return [None if one == "null" else one for one in split_list(text)]
    return None if text == "null" else text
