"""Verify: checks whether anything of a run was changed since: its files, data, prompts, criteria and replies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flows.files.checksums import SUMS_FILE, changed_files, sha256_of
from flows.files.run_data import RunData


def verify(folder: Path, folders: Sequence[Path], results: str | None) -> list[str]:
    """Every change found, one sentence each; an empty list means that all is as it was when the run ended.

    `folders` are the config folders in which prompts and criteria are looked up; `results` is where replies are kept.
    Raises RunError when the folder holds no finished run that can be read.
    """
    try:
        found = list(changed_files(folder))
    except FileNotFoundError:
        found = [f"{SUMS_FILE} is missing"]
    data = RunData.open(folder)
    return [*found, *_changed_sources(data), *_changed_texts(data, folders), *_changed_replies(data, results)]


def _changed_sources(data: RunData) -> Iterator[str]:
    for source in data.manifest.get("sources", ()):
        path = Path(source["path"])
        if not path.is_file():
            yield f"data: {path} is no longer there"
        elif sha256_of(path) != source["sha256"]:
            yield f"data: {path} has changed since the run"


def _changed_texts(data: RunData, folders: Sequence[Path]) -> Iterator[str]:
    stored: dict[str, Any] = data.manifest.get("texts", {})
    for name, text in stored.items():
        if hashlib.sha256(text["text"].encode()).hexdigest() != text["sha256"]:
            yield f"manifest.json: the text of {name} is not the one that was digested"
        path = next((folder / name for folder in folders if (folder / name).is_file()), None)
        if path is None:
            yield f"{name} is no longer there"
        elif hashlib.sha256(path.read_text(encoding="utf-8-sig").encode()).hexdigest() != text["sha256"]:
            yield f"{path} has changed since the run"


def _changed_replies(data: RunData, results: str | None) -> Iterator[str]:
    """Kept replies that differ in any byte from the run's traces; a deleted reply is not a change."""
    from flows.results.open import result_store
    from flows.results.store import reply_path

    store, seen = result_store(results), set[str]()
    for trace in data.traces():
        for call in trace.calls:
            if call.reply is None or call.key in seen:
                continue
            seen.add(call.key)
            path = reply_path(call.key)
            try:
                same = store.read(path) == call.reply.model_dump_json().encode()
            except FileNotFoundError:
                continue
            if not same:
                yield f"the kept reply {path} is not the one that {trace.step} used for {trace.record_id}"
