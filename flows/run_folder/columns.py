"""Writes `columns.md`: what every column of a run's tables means."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from agents.base.registry import installed_agents, load_agent
from contract.flow import FlowSpec
from flows.files.atomic import write_text
from flows.files.control_characters import escape_controls
from flows.files.run_data import RunData
from flows.spec.nodes import steps_of
from flows.tables.column_meanings import OUTPUT_FIELDS, TABLES, meaning_of
from flows.tables.csv_text import unescape_formula


def write_columns(data: RunData) -> None:
    """Describes each column of the CSV files that are in the run's folder."""
    outputs = _outputs(data.spec)
    parts = ["# Columns of the tables"]
    for table, about in TABLES.items():
        path = data.folder / f"{table}.csv"
        if not path.exists():
            continue
        also = f", {table}.parquet" if path.with_suffix(".parquet").exists() else ""
        rows = [f"| {_code(name)} | {meaning} |" for name, meaning in _described(table, path, outputs)]
        parts.append("\n".join([f"## {table}.csv{also}\n\n{about}\n", "| column | meaning |", "|---|---|", *rows]))
    write_text(data.folder / "columns.md", "\n\n".join(parts) + "\n")


def _described(table: str, path: Path, outputs: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        names = next(csv.reader(file), list[str]())
    for name in map(unescape_formula, names):
        of_output = outputs.get(name.split(".")[1]) if table == "cells" and name.startswith("value.") else None
        yield name, of_output or meaning_of(table, name)


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
