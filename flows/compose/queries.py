"""`queries=file`: each row of a file is a question of its own, in a flow that otherwise takes one from the request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agents.safety.paths import is_file, is_there, no_file_reason
from contract.errors import StorageError
from contract.flow import FlowSpec, Gate, Loop, Step
from contract.storage import FileStorage
from flows.config.diagnostics import Diagnostics, closest_name, join_names
from flows.storage.factory import source_rows
from flows.storage.rows import Row

_NAMES = ("query", "question", "text", "queries", "questions")
"""Columns that hold the questions, the likeliest first; compared without case. A single column holds them anyway."""
_LINES = (".txt", ".md")
QUERIES_STORAGE = "the file of questions"
"""The name of its storage; no name that a configuration would give."""


def queries_source(
    text: str, path: Path, where: str, nearby: Sequence[str], diagnostics: Diagnostics
) -> FileStorage | None:
    """The file as a source whose texts are the questions; a mistake is reported at `where`.

    In a file of text each line is a question.
    """
    if not text or not is_file(path):
        todo = "name a file with a question in each row or line: .csv, .xlsx, .jsonl, .txt"
        what = no_file_reason(path) if text and is_there(path) else f"there is no file '{text}'"
        near = closest_name(text, [name for name in nearby if name != text])
        diagnostics.add(where, what or "", nearest=near, todo=todo)
        return None
    if path.suffix.lower() in _LINES:
        # A sign that no line holds, so that a line is one cell.
        return FileStorage(path=path, delimiter="\x1f", quoting="none", header="none", columns={"text": "1"})
    source = FileStorage(path=path)
    try:
        first = next((row for row in source_rows(source) if isinstance(row, Row)), None)
    except StorageError as error:
        diagnostics.add(where, str(error), todo="mend the file, or name another")
        return None
    names = list(first.values) if first else []
    by_name = {name.strip().lower(): name for name in reversed(names)}
    found = next((by_name[name] for name in _NAMES if name in by_name), names[0] if len(names) == 1 else None)
    if found is None:
        there = f"it has {join_names(names)}" if names else "it has no rows"
        diagnostics.add(where, f"no column is called 'query' or 'question'; {there}", todo="rename the column")
        return None
    return source.model_copy(update={"columns": {"text": found}})


def with_queries(flow: FlowSpec, records: str) -> FlowSpec:
    """The flow with a record for each question, whose text stands where the request's parameter stood."""
    parameter = flow.records.partition(".")[2]
    named = re.compile(rf"\bparameters\.{re.escape(parameter)}\b")

    def replaced(text: str) -> str:
        return named.sub("record.text", text)

    def change(node: Step | Loop | Gate) -> Step | Loop | Gate:
        update: dict[str, Any] = {"when": node.when and replaced(node.when)}
        if isinstance(node, Loop):
            update["until"] = node.until and replaced(node.until)
            update["loop"] = {name: change(one) for name, one in node.loop.items()}
        else:
            update["inputs"] = {
                name: replaced(value) if isinstance(value, str) else tuple(map(replaced, value))
                for name, value in node.inputs.items()
            }
        return node.model_copy(update=update)

    declared = flow.parameters[parameter].model_copy(update={"required": False})
    return flow.model_copy(
        update={
            "records": records,
            "parameters": {**flow.parameters, parameter: declared},
            "steps": {name: change(node) for name, node in flow.steps.items()},
        }
    )
