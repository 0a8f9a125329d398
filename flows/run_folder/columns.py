"""Writes `columns.md`: what every column of a run's tables means."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agents.base.registry import installed_agents, load_agent
from contract.codebook import Variable, codebook_of
from contract.flow import FlowSpec
from flows.files.atomic import write_text
from flows.files.control_characters import escape_controls
from flows.files.run_data import RunData
from flows.spec.nodes import steps_of
from flows.tables.column_meanings import CODE_FIELDS, OUTPUT_FIELDS, TABLES, VARIABLE_TYPES, meaning_of
from flows.tables.csv_text import unescape_formula

_EXPORT = """\
# This folder

This folder is an export: Prefect holds the record of the run. The run has the id that `manifest.json` gives as
`flow_run_id`, and each cell is a task run of it or below it. A line of `answers.jsonl` is what its task run left as
result, which `from flows import trace; trace("id of the task run")` returns. `log.jsonl` is what happened in the run,
one line each, as in the audit trail outside this folder; tables, measures and reports are made from `answers.jsonl`.
Cells that were skipped, or could not begin, stand in `answers.jsonl` alone."""


def write_columns(data: RunData) -> None:
    """Describes each column of the CSV files that are in the run's folder."""
    outputs, variables = _outputs(data.spec), _variables(data.manifest)
    parts = [_EXPORT, "# Columns of the tables"]
    for table, about in TABLES.items():
        path = data.folder / f"{table}.csv"
        if not path.exists():
            continue
        also = f", {table}.parquet" if path.with_suffix(".parquet").exists() else ""
        rows = [f"| {_code(name)} | {meaning} |" for name, meaning in _described(table, path, outputs, variables)]
        parts.append("\n".join([f"## {table}.csv{also}\n\n{about}\n", "| column | meaning |", "|---|---|", *rows]))
    write_text(data.folder / "columns.md", "\n\n".join(parts) + "\n")


def _described(
    table: str, path: Path, outputs: Mapping[str, str], variables: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file), list[str]())
    for name in map(unescape_formula, names):
        parts = name.split(".") if table == "cells" and name.startswith("value.") else []
        of_output = outputs.get(parts[1]) if parts else None
        if len(parts) == 4 and parts[1] == "codes" and (variable := variables.get(parts[2])):
            of_output = f"{outputs.get('codes', '').partition('.')[0]}. {CODE_FIELDS.get(parts[3], '')}{variable}"
        yield name, of_output or meaning_of(table, name)


def _variables(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Variable of a codebook -> of which criteria it is, its type and what its answers may be."""
    known: Any = manifest.get("criteria") or {}
    found = dict[str, list[str]]()
    for criterion, about in known.items():
        codebook = codebook_of(about)
        for one in codebook.variables if codebook else ():
            found.setdefault(one.name, []).append(f"{_code(one.name)} of {_code(criterion)}{_variable_text(one)}")
    return {name: " ".join(texts) for name, texts in found.items()}


def _variable_text(one: Variable) -> str:
    ends = [f"at least {one.minimum:g}"] if one.minimum is not None else []
    ends += [f"at most {one.maximum:g}"] if one.maximum is not None else []
    allowed = ", ".join(map(_code, one.allowed or one.options)) or " and ".join(ends)
    order = ", from least to most" if one.ordered else ""
    question = f" “{_text(' '.join(one.description.split()))}”" if one.description else ""
    return f", {VARIABLE_TYPES[one.type]}{f': {allowed}{order}' if allowed else ''}.{question}"


def _outputs(spec: FlowSpec) -> dict[str, str]:
    """Field of an output -> which steps give it, and how their agents describe it."""
    steps, about = dict[str, list[str]](), dict[str, str]()
    for name, step in steps_of(spec).items():
        if step.agent not in installed_agents():
            continue
        for field, info in load_agent(step.agent).Output.model_fields.items():
            steps.setdefault(field, []).append(name)
            about.setdefault(field, " ".join((info.description or "").split()))
    meanings = {field: OUTPUT_FIELDS.get(field) or _text(about[field]) for field in steps}
    return {
        field: f"Output of {', '.join(map(_code, names))}. {meanings[field]}".rstrip() for field, names in steps.items()
    }


def _text(text: str) -> str:
    return re.sub(r"([|<])", r"\\\1", text)


def _code(name: str) -> str:
    """A name from a study as code, in which nothing is markup."""
    shown = " ".join(escape_controls(name).split("\n")).replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    space = " " if "`" in shown else ""
    return f"{ticks}{space}{shown}{space}{ticks}"
