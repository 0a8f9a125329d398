"""The arguments of `start_<flow>`: the flow's own parameters and the shorthands, as on the command line.

Read from the flow's own file, since composing takes seconds. A flow that inherits from another file is composed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from contract.base import thawed
from contract.flow import FlowParameter, FlowSpec
from contract.tools import START_FLOW, AgentToolDefinition
from flows.compose.shorthands import shorthands_of
from flows.config.compose_config import compose_config
from flows.config.diagnostics import Diagnostics
from flows.config.folders import MULTI_CHOICE_GROUPS, config_groups, find_config, group_choices
from flows.config.fragments import merge_fragments
from flows.config.validate import validate_flow
from flows.config.yaml_documents import read_document
from flows.mcp.published import object_schema
from flows.mcp.spending import BUDGET_SCHEMA

_TYPES = {"text": "string", "integer": "integer", "number": "number", "yes_no": "boolean"}
_NAMED_TEXTS: dict[str, Any] = {
    "type": "object",
    "additionalProperties": {"type": "string", "maxLength": 1000},
    "propertyNames": {"pattern": r"^([^=\x00-\x1f]{1,200}|[<>]=?-?[0-9.]{1,40})$"},
    "maxProperties": 100,
}
_SHORTHANDS: Mapping[str, dict[str, Any]] = {
    "records": {
        "type": "string",
        "description": "One's own records: the name of a storage, or a file below the server's folder.",
    },
    "columns": {**_NAMED_TEXTS, "description": 'Which column is what, for example {"text": "body"}.'},
    "labels": {**_NAMED_TEXTS, "description": 'People\'s answers as verdicts, for example {"yes": "violates"}.'},
    "where": {
        **_NAMED_TEXTS,
        "description": 'Which documents are searched, by their metadata, for example {"year": ">=2020"}.',
    },
    "sheet": {"type": "string", "maxLength": 200, "description": "The sheet of a workbook."},
    "encoding": {"type": "string", "maxLength": 40, "description": "How a file's letters are written."},
    "header": {
        "type": "string",
        "maxLength": 20,
        "description": "The number of the row that names the columns, or none.",
    },
    "delimiter": {"type": "string", "maxLength": 3, "description": "The sign between two cells, or tab."},
    "quoting": {"enum": ["none", "csv"], "description": "Whether quotation marks are letters like others."},
    "rows": {
        "type": "string",
        "maxLength": 200,
        "description": "`answers` where each row is what one person answered; or a list in each row: `posts.replies`.",
    },
    "split": {"type": "string", "maxLength": 10, "description": "The sign between several answers in a cell."},
    "sample": {"type": "integer", "minimum": 1, "description": "How many records to take, drawn at random."},
    "seed": {"type": "integer", "description": "Which sample: the same number draws the same records."},
    "budget": BUDGET_SCHEMA,
    "again": {"enum": ["refused"], "description": "Kept answers that are asked once more."},
}
"""Without `shards`, which only a deployment has."""
_LISTS = ("model", "criteria")
"""Dimensions that a study often varies; a client may choose their values."""
RUN_STATUS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "run_id": {"type": "string"},
        "flow": {"type": "string"},
        "state": {"enum": ["running", "done", "waiting", "incomplete", "refused", "failed", "cancelled"]},
        "cells": {"type": "integer", "description": "Cells that have ended."},
        "cells_at_most": {"type": ["integer", "null"]},
        "seconds": {"type": "number"},
        "problems": {"type": "array", "items": {"type": "string"}},
        "waiting": {"type": ["object", "null"], "description": "What waits for a person, and how it is answered."},
    },
    "required": ["run_id", "flow", "state"],
}


def flow_definitions(folders: tuple[Path, ...], config_dir: Path | None) -> dict[str, AgentToolDefinition]:
    """One tool for each flow, by the flow's name. A flow that cannot be read is published with its description only."""
    llms = group_choices(folders, "llms")
    reserved = {*config_groups(folders), *MULTI_CHOICE_GROUPS, "run", "bm", "hydra", "secrets", "defaults"}
    found: dict[str, AgentToolDefinition] = {}
    for name in sorted(group_choices(folders, "flows")):
        data, spec = _read_flow(name, folders, config_dir)
        properties, required = _arguments(data, spec, llms, reserved)
        found[name] = AgentToolDefinition(
            name=START_FLOW + name.replace("-", "_"),
            description=f"Starts the flow {name} and returns the run's id. {data.get('description', '')}".strip(),
            input_schema=object_schema(properties, required),
            output_schema=RUN_STATUS_SCHEMA,
            permissions=("start_flow", "spend", *(("read_corpus",) if data.get("corpus") else ())),
        )  # fmt: skip
    return found


def _read_flow(name: str, folders: tuple[Path, ...], config_dir: Path | None) -> tuple[dict[str, Any], FlowSpec | None]:
    path = cast("Path", find_config(folders, f"flows/{name}"))
    document = read_document(path)
    data = {} if document.broken else document.value()
    if "defaults" not in data and not isinstance(data.get("parameters"), str):
        return data, None
    diagnostics = Diagnostics()
    composed = compose_config([name], [], config_dir, diagnostics)
    flows = composed.config.get("flows")
    whole: Any = flows.get(name) if isinstance(flows, dict) else None
    if not isinstance(whole, dict):
        return data, None
    validated = validate_flow(name, merge_fragments(name, cast("Any", whole), diagnostics), diagnostics)
    return cast("dict[str, Any]", whole), validated.spec if validated else None


def _arguments(
    data: Mapping[str, Any], spec: FlowSpec | None, llms: list[str], reserved: set[str]
) -> tuple[dict[str, Any], list[str]]:
    parameters = dict(spec.parameters) if spec else _parameters(data.get("parameters"))
    parameters = {name: one for name, one in parameters.items() if name not in reserved}
    properties = {name: _parameter_schema(one) for name, one in parameters.items()}
    for name in _shorthands(data, spec, set(parameters)):
        properties.setdefault(name, _SHORTHANDS[name])
    for name in _LISTS:
        if name not in properties:
            what = "models" if name == "model" else "criteria"
            properties[name] = {
                "type": "array", "minItems": 1, "maxItems": 50, "items": {"type": "string", "pattern": r"^[\w./:-]+$"},
                "description": f"The {what} to compare, in the place of those that the flow names.",
            }  # fmt: skip
    properties.setdefault("llms", {"enum": llms, "description": "Which models play which roles."})
    return properties, [name for name, one in parameters.items() if one.required]


def _shorthands(data: Mapping[str, Any], spec: FlowSpec | None, own: set[str]) -> list[str]:
    if spec:
        return [name for name in shorthands_of(spec) if name in _SHORTHANDS]
    reads = str(data.get("records", "")).partition(".")[0] != "parameters"
    measures: Any = data.get("measures")
    compares = isinstance(measures, dict) and bool(cast("dict[str, Any]", measures).get("truth"))
    of_comparisons = () if compares else ("labels", "split")
    chosen = [name for name in _SHORTHANDS if reads or name in ("budget", "again", "labels")]
    chosen = [name for name in chosen if name != "where"]
    return [name for name in chosen if name not in own and name not in of_comparisons]


def _parameters(data: Any) -> dict[str, FlowParameter]:
    try:
        return TypeAdapter(dict[str, FlowParameter]).validate_python(data or {})
    except ValidationError:
        return {}


def _parameter_schema(parameter: FlowParameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": _TYPES[parameter.type]}
    if parameter.description:
        schema["description"] = parameter.description
    if parameter.choices:
        schema["enum"] = thawed(parameter.choices)
    if parameter.default is not None:
        schema["default"] = thawed(parameter.default)
    return schema
