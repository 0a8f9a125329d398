"""Finishes a run: writes the files of its folder, and shows the run in the Prefect UI."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from typing import Any

from prefect.artifacts import acreate_markdown_artifact

from agents.llms.gc_tuning import reduced_garbage_collection
from agents.llms.model import Models
from contract.base import JsonValue, digest
from contract.findings import CitedAnswer
from contract.record import Record
from flows.accounting.cost_artifacts import create_cost_artifacts
from flows.accounting.journal_file import JournalFile
from flows.files.atomic import write_json, write_text
from flows.files.checksums import write_sums
from flows.files.folder import link_latest
from flows.report.answer_markdown import answer_markdown, notes_markdown
from flows.report.notes_section import notes_of
from flows.run_folder.derive import derive
from flows.run_folder.manifest import RunStart, build_manifest
from flows.run_folder.outcome import Outcome
from flows.spec.study import Study
from flows.storage.rows import Reject
from flows.tables.csv_text import write_csv

_MAX_KEY_CHARACTERS = 60
_MAX_ARTIFACT_CHARACTERS = 200_000
"""Longest text of an artifact; the UI shows an artifact whole."""


def run_manifest(
    study: Study,
    run_start: RunStart,
    records: Sequence[Record],
    outcome: Outcome,
    models: Models,
    tool_servers: Mapping[str, JsonValue] | None = None,
) -> dict[str, Any]:
    """The content of the manifest of that run. `tool_servers` are those that it used, with digests of their tools."""
    more: dict[str, JsonValue] = {
        "run": outcome.folder.name,
        "flow_run_id": str(outcome.flow_run_id),
        "rejected_rows": len(outcome.rejects),
    }
    if tool_servers:
        more["tool_servers"] = dict(tool_servers)
    return build_manifest(study, run_start, records, outcome.totals, models, **more)


async def finish_run(
    study: Study, manifest: Mapping[str, Any], outcome: Outcome, broken_off: Sequence[JournalFile] = ()
) -> None:
    """Writes all files of the run's folder but `answers.jsonl`, and shows the run in Prefect.

    `broken_off` are the journals of runs that ended without an account; their costs are shown too.
    """
    folder = outcome.folder
    if outcome.rejects:
        columns = [field.name for field in fields(Reject)]
        write_csv(folder / "rejects.csv", columns, (astuple(reject) for reject in outcome.rejects))
    write_json(folder / "manifest.json", manifest)
    if study.flow.result:
        results = [{"record_id": record.record_id, "result": value} for record, value in outcome.results]
        write_json(folder / "results.json", results)
    answers = [CitedAnswer.model_validate(value) for _, value in outcome.results if _is_cited_answer(value)]
    outcome.answers = answers
    if answers:
        text = "\n\n---\n\n".join(answer_markdown(answer) for answer in answers)
        write_text(folder / "answer.md", text + notes_markdown(notes_of(manifest)))
    # In a thread: measures and plots take seconds, and Prefect must get messages from this process meanwhile.
    with reduced_garbage_collection():
        outcome.derived = await asyncio.to_thread(derive, folder)
    outcome.seal = write_sums(folder)
    link_latest(folder)
    outcome.artifacts = await _create_artifacts(
        study, outcome, answers[0].question if answers else study.flow.description
    )
    earlier = [one for one in broken_off if one.header["flow_run_id"] != str(outcome.flow_run_id)]
    await create_cost_artifacts(study.flow.name, folder.name, outcome.totals.costs, earlier)


async def _create_artifacts(study: Study, outcome: Outcome, description: str) -> list[str]:
    """Shows the answer or the report, which readers want first, as artifacts of the run; returns their names."""
    created = list[str]()
    for name, title in {"answer.md": description, "report.md": "report"}.items():
        if not (path := outcome.folder / name).exists():
            continue
        key = artifact_key(study.flow.name, title)
        text = path.read_text(encoding="utf-8")[:_MAX_ARTIFACT_CHARACTERS]
        creating: Any = acreate_markdown_artifact(text, key=key, description=description)
        await creating
        created.append(key)
    return created


def artifact_key(flow: str, title: str) -> str:
    """The name under which Prefect keeps an artifact and its versions: words that a person reads, in letters it allows.

    A title in another script than Latin has no such letters; its digest stands for it.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = "-".join(re.findall(r"[a-z0-9]+", plain))[:_MAX_KEY_CHARACTERS].rstrip("-")
    return f"{flow.replace('_', '-')}-{words or digest(title)[:12]}"


def _is_cited_answer(value: JsonValue) -> bool:
    return isinstance(value, dict) and {"claims", "abstained"} <= value.keys()
