"""Applies a request to a flow: types its values and puts them into the steps.

Precedence is flow < agent < request < variant: a flow's parameter fills an agent's parameter of that name unless the
step sets it; the request replaces both; and naming a variant dimension replaces the dimension.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contract.base import JsonValue
from contract.flow import MAX_REPEATS, FlowParameter, FlowSpec, Step
from contract.record import Record
from flows.compose.shorthands import shorthands_of
from flows.config.arguments import DOTTED_NAMES, split_list
from flows.config.diagnostics import Diagnostics, closest_name, display_argument, join_names, there_are
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow
from flows.spec.agent_registry import AgentRegistry
from flows.spec.nodes import map_steps, walk_nodes
from flows.spec.study import Study

_BOOLEAN_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_MAX_TEXT_CHARACTERS = 1_000_000
"""Characters of one parameter of a request."""
_TYPE_NAMES = {"text": "text", "integer": "a whole number", "number": "a number", "yes_no": "yes or no"}


@dataclass(frozen=True)
class FlowRequest:
    """The flow's parameters with their values, and the required ones that have none."""

    values: Mapping[str, JsonValue]
    missing: tuple[str, ...]


def accepted_names(flow: FlowSpec, path: KeyPath, registry: AgentRegistry) -> set[str]:
    """Every name that a request to this flow may give."""
    names = {*flow.parameters, *shorthands_of(flow)}
    for flow_node in walk_nodes(flow, path):
        if isinstance(flow_node.node, Step):
            names |= {
                *flow_node.node.variants,
                *flow_node.node.parameters,
                *_agent_parameters(flow_node.node, registry),
            }
            names |= {"repeats"} if flow_node.node.repeats is not None else set()
    return names


def report_unknown_names(
    raw: Mapping[str, str],
    accepted: set[str],
    config_names: set[str],
    diagnostics: Diagnostics,
    other_settings: Collection[str] = (),
) -> None:
    """Reports names that no flow of this run accepts. `config_names` may be suggested instead of one, and so may
    `other_settings`, which the command takes beside."""
    for name, value in raw.items():
        whole = name.partition(".")[0]
        if name not in accepted and not (whole in DOTTED_NAMES and whole in accepted):
            where = f"command line: {display_argument(f'{name}={value}')}"
            beside = f"the command takes {join_names(other_settings)}; " if other_settings else ""
            todo = f"{beside}a request may name {join_names(accepted)}"
            nearest = closest_name(name, {*accepted, *other_settings}) or _nearly_the_same(name, config_names)
            if "columns" in accepted and name in Record.model_fields:
                nearest = f"columns.{name}"
            what = f"no flow here takes '{name}'"
            if name == "repeats":
                nearest, todo = None, "write `repeats: 1` below the `agent:` of the step that is to be repeated"
                what = "no step here has `repeats`, which this would replace"
            diagnostics.add(where, what, nearest=nearest, todo=todo)


def _nearly_the_same(name: str, known: set[str]) -> str | None:
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.75)), None)


def parse_request(validated: ValidatedFlow, raw: Mapping[str, str], diagnostics: Diagnostics) -> FlowRequest:
    """The values of the flow's parameters, typed; a value that does not fit is reported."""
    values: dict[str, JsonValue] = {}
    missing: list[str] = []
    for name, parameter in validated.spec.parameters.items():
        path = (*validated.path, "parameters", name)
        values[name] = parameter.default
        if parameter.default is not None and (why := _value_problem(parameter, parameter.default)):
            diagnostics.add_at((*path, "default"), f"the default of '{name}' is {parameter.default!r}, but {why}")
            values[name] = None
        if name in raw:
            values[name] = _parse_value(name, parameter, raw[name], diagnostics)
        if parameter.required and (values[name] is None or not str(values[name]).strip()):
            missing.append(name)
    return FlowRequest(values, tuple(missing))


def report_missing_parameters(
    validated: ValidatedFlow,
    request: FlowRequest,
    raw: Mapping[str, str],
    diagnostics: Diagnostics,
    *,
    is_required: bool,
) -> None:
    """Reports required parameters without a value. One that is not given is no mistake unless `is_required`."""
    for name in request.missing:
        about = validated.spec.parameters[name].description
        todo = f'write {name}="…"' + (f" ({about.rstrip('.')})" if about else "")
        if name not in raw and is_required:
            diagnostics.add("command line", f"the flow '{validated.spec.name}' needs '{name}'", todo=todo)
        elif name in raw and not raw[name].strip():
            diagnostics.add(f"command line: {name}=", f"'{name}' is empty", todo=todo)


def apply_request(
    validated: ValidatedFlow,
    request: FlowRequest,
    raw: Mapping[str, str],
    registry: AgentRegistry,
    diagnostics: Diagnostics,
) -> FlowSpec:
    """The flow with the request's values in its steps.

    A list such as `model=[a,b]` replaces dimensions only; if no step has that dimension, its text is one value.
    """
    steps = [
        flow_node.node for flow_node in walk_nodes(validated.spec, validated.path) if isinstance(flow_node.node, Step)
    ]
    dimensions = {name for step in steps for name in step.variants}
    fitting = {name: text for name, text in raw.items() if request.values.get(name, text) is not None}
    is_repeated = "repeats" not in validated.spec.parameters and any(step.repeats is not None for step in steps)
    repeats = _parse_repeats(raw, diagnostics) if is_repeated else None

    def change(step: Step, path: KeyPath) -> Step:
        declared = _agent_parameters(step, registry)
        parameters, variants = dict(step.parameters), dict(step.variants)
        for name, value in request.values.items():
            if name in declared and value is not None and name not in parameters and name not in variants:
                parameters[name] = value
                source = (*validated.path, "parameters", name)
                diagnostics.provenance.copy_below(source, (*path, "parameters", name), overwrite=False)
        for name, text in fitting.items():
            where = display_argument(f"{name}={text}")
            if name in variants and not any(item.strip() for item in _split_values(text)):
                diagnostics.add(f"command line: {where}", f"'{name}' is empty", todo=f"write {name}=…, or leave it out")
            elif name in variants:
                variants[name] = tuple(_coerce_item(declared.get(name), item) for item in _split_values(text))
                diagnostics.provenance.add_argument((*path, "variants", name), where)
            elif (name in parameters or name in declared) and not (name in dimensions and _is_list(text)):
                parameters[name] = request.values.get(name, _coerce_item(declared.get(name), text))
                diagnostics.provenance.add_argument((*path, "parameters", name), where)
        step_repeats = repeats if repeats and step.repeats is not None else step.repeats
        return step.model_copy(update={"parameters": parameters, "variants": variants, "repeats": step_repeats})

    return map_steps(validated.spec, change, validated.path)


def _parse_repeats(raw: Mapping[str, str], diagnostics: Diagnostics) -> int | None:
    """`repeats=3`: the repeats of every step that has `repeats`; None when absent, or invalid and reported."""
    text = raw.get("repeats")
    if text is None:
        return None
    if text.isdecimal() and 1 <= int(text) <= MAX_REPEATS:
        return int(text)
    todo = f"write a whole number from 1 to {MAX_REPEATS}, for example repeats=3"
    diagnostics.add(f"command line: {display_argument(f'repeats={text}')}", "this is no number of repeats", todo=todo)
    return None


def _is_list(text: str) -> bool:
    return text.strip().startswith("[") and text.strip().endswith("]")


def _split_values(text: str) -> list[str]:
    """`[a, b]` as two values; any other text, with its commas, as one."""
    return split_list(text) if _is_list(text) else [text]


def with_request_parameter(study: Study, name: str, text: str) -> Study:
    """The study with a value, as typed by a user, for one of the flow's own parameters.

    Inputs see it as `parameters.<name>`; agents' parameters of that name keep their values.
    Raises StudyError when the flow has no such parameter or the text does not fit its type.
    """
    diagnostics = Diagnostics(study.provenance)
    parameter = study.flow.parameters.get(name)
    if parameter is None:
        report_unknown_names({name: text}, set(study.flow.parameters), set(), diagnostics)
    value = _parse_value(name, parameter, text, diagnostics) if parameter else None
    if parameter and parameter.required and not text.strip():
        diagnostics.add(f"command line: {name}=", f"'{name}' is empty", todo=f'write {name}="…"')
    diagnostics.raise_if_any()
    missing = tuple(other for other in study.missing_parameters if other != name)
    return replace(study, request={**study.request, name: value}, missing_parameters=missing)


def _agent_parameters(step: Step, registry: AgentRegistry) -> Mapping[str, Any]:
    if step.agent not in registry:
        return {}
    try:
        return registry[step.agent].Parameters.model_fields
    except Exception:  # `agent_classes_of` reports an agent that cannot be imported
        return {}


def _parse_value(name: str, parameter: FlowParameter, text: str, diagnostics: Diagnostics) -> JsonValue:
    where = f"command line: {display_argument(f'{name}={text}')}"
    if len(text) > _MAX_TEXT_CHARACTERS:
        todo = "put long texts into a file, and name it with records=…"
        diagnostics.add(
            where, f"'{name}' is {len(text):,} characters long, more than {_MAX_TEXT_CHARACTERS:,}", todo=todo
        )
        return None
    if "\x00" in text:
        diagnostics.add(where.replace("\x00", "…"), f"'{name}' holds a null byte", todo="leave it out")
        return None
    value = _convert(parameter, text)
    if value is None or (why := _value_problem(parameter, value)) is None:
        if value is None:
            diagnostics.add(
                where,
                f"'{name}' should be {_TYPE_NAMES[parameter.type]}",
                todo=f"write for example {name}={_example(parameter)}",
            )
        return value
    near = closest_name(text, [str(choice) for choice in parameter.choices])
    diagnostics.add(
        where,
        f"'{name}' is {value!r}, but {why}",
        nearest=near,
        todo=there_are(map(str, parameter.choices)),
    )
    return None


def _convert(parameter: FlowParameter, text: str) -> JsonValue:
    try:
        if parameter.type == "integer":
            return int(text)
        if parameter.type == "number":
            return found if math.isfinite(found := float(text)) else None
    except ValueError:
        return None
    return _BOOLEAN_WORDS.get(text.strip().lower()) if parameter.type == "yes_no" else text


def _value_problem(parameter: FlowParameter, value: JsonValue) -> str | None:
    fits = {
        "text": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, int | float) and not isinstance(value, bool),
        "yes_no": isinstance(value, bool),
    }
    if not fits[parameter.type]:
        return f"its type is {parameter.type}, so it should be {_TYPE_NAMES[parameter.type]}"
    return "that is not among its choices" if parameter.choices and value not in parameter.choices else None


def _example(parameter: FlowParameter) -> str:
    return {"integer": "10", "number": "0.5", "yes_no": "yes"}.get(parameter.type, '"…"')


def _coerce_item(declared: Any, text: str) -> JsonValue:
    """`text` as the type of the agent's parameter; unchanged if it does not fit, so that `StepCheck` reports it."""
    if declared is None or declared.annotation is str:
        return text
    try:
        return TypeAdapter(declared.annotation).dump_python(
            TypeAdapter(declared.annotation).validate_python(text), mode="json"
        )
    except ValidationError:
        return text
