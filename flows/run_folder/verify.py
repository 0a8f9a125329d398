"""Verify: checks whether anything of a run was changed since: its files, data, prompts, criteria and replies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agents.safety.paths import is_folder
from contract.errors import StorageError
from flows.accounting.audit import AuditTrail
from flows.files.checksums import SUMS_FILE, changed_files, seal, sha256_of
from flows.files.gold_set import FIRST_DIGEST, read_gold
from flows.files.run_data import RunData


def verify(folder: Path, folders: Sequence[Path], results: str | None, audit: AuditTrail | None = None) -> list[str]:
    """Every change found, one sentence each; an empty list means that all is as it was when the run ended.

    `folders` are the config folders in which prompts and criteria are looked up; `results` is where replies are kept,
    if not where the run kept them; `audit` is where the run's seal was written down. Raises RunError when the folder
    holds no finished run that can be read.
    """
    data = RunData.open(folder)
    try:
        found = list(changed_files(folder))
    except FileNotFoundError:
        found = [_missing_sums(data, audit)]
    found += _changed_seal(data, audit) if audit else []
    return [
        *found,
        *_changed_sources(data),
        *_changed_gold(data),
        *_changed_texts(data, folders),
        *_changed_replies(data, results),
    ]


def recorded_seal(data: RunData, audit: AuditTrail) -> str | None:
    """The seal of that run in the audit trail, or None."""
    run_id = data.manifest.get("flow_run_id")
    return audit.last_seal(data.folder.absolute(), run_id if isinstance(run_id, str) else None)


def _missing_sums(data: RunData, audit: AuditTrail | None) -> str:
    """The list of digests is written last, so that without it a run may never have been complete."""
    if audit and recorded_seal(data, audit):
        return f"{SUMS_FILE} is missing: {audit.path.name} holds its seal, so somebody has removed it"
    return (
        f"{SUMS_FILE} is missing: the run was stopped before it was complete, or somebody has removed it; the same "
        "command again makes a complete one, and pays for nothing that is kept"
    )


def _changed_seal(data: RunData, audit: AuditTrail) -> Iterator[str]:
    """Whoever changes a file can make the list of digests anew, but not the line in the audit trail."""
    recorded = recorded_seal(data, audit)
    if recorded and (data.folder / SUMS_FILE).is_file() and seal(data.folder) != recorded:
        yield f"{SUMS_FILE} has changed: {audit.path.name} holds the seal {recorded[:12]}, and it is now another"


def _changed_sources(data: RunData) -> Iterator[str]:
    for source in data.manifest.get("sources", ()):
        path = Path(source["path"])
        if not path.is_file():
            yield f"data: {path} is no longer there"
        elif sha256_of(path) != source["sha256"]:
            yield f"data: {path} has changed since the run"


def _changed_gold(data: RunData) -> Iterator[str]:
    """The set's lines are chained, so that the digest of one line stands for all decisions up to it."""
    known: dict[str, Any] = data.manifest.get("gold") or {}
    if not known:
        return
    path, version = Path(known["path"]), int(known["version"])
    if not path.is_file():
        yield f"gold: {path} is no longer there"
        return
    try:
        digests = read_gold(path).digests
    except StorageError as error:
        yield f"gold: {error}"
        return
    if ([FIRST_DIGEST, *digests][version : version + 1] or [""])[0] != known["digest"]:
        yield f"gold: {path} has changed since the run: its first {version:,} decisions are not those of the run"
    elif len(digests) > version:
        further = "1 decision" if len(digests) == version + 1 else f"{len(digests) - version:,} decisions"
        yield f"gold: {path} has {further} more than at the run; the {version:,} before are the same"


def _changed_texts(data: RunData, folders: Sequence[Path]) -> Iterator[str]:
    stored: dict[str, Any] = data.manifest.get("texts", {})
    for name, text in stored.items():
        if hashlib.sha256(text["text"].encode()).hexdigest() != text["sha256"]:
            yield f"manifest.json: the text of {name} is not the one that was digested"
        # The file that the run has read; on another machine, the one of that name in the folders of this command.
        read = [Path(text["path"])] if "path" in text else []
        path = next((path for path in (*read, *(folder / name for folder in folders)) if path.is_file()), None)
        if path is None:
            yield f"{name} is no longer there"
        elif hashlib.sha256(path.read_text(encoding="utf-8-sig").encode()).hexdigest() != text["sha256"]:
            yield f"{path} has changed since the run"


def _results_of(data: RunData) -> str | None:
    """Where the run kept its replies; None for the usual folder."""
    config: Mapping[str, Any] = data.manifest.get("config") or {}
    run: Mapping[str, Any] = config.get("run") or {}
    return run.get("results")


def _changed_replies(data: RunData, results: str | None) -> Iterator[str]:
    """Kept replies that are not those of the run's traces; one that was deleted or set aside is no change."""
    from flows.results.open import place_of_results, results_to_read
    from flows.results.replies import holds_reply
    from flows.results.store import reply_path

    place = results or _results_of(data)
    if results is None and not is_folder(Path(place_of_results(place))):
        # In a bucket, or on another machine: whoever wants that compared names it.
        return
    store, seen = results_to_read(place), set[str]()
    for trace in data.traces():
        for call in trace.calls:
            if call.reply is None or call.key in seen:
                continue
            seen.add(call.key)
            if not holds_reply(store, call.key, call.reply):
                path = reply_path(call.key)
                yield f"the kept reply {path} is not the one that {trace.step} used for {trace.record_id}"
