"""The verb `ingest`: builds the corpora that flows search, or brings them up to date, and says what was done."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from contract.errors import RunError
from contract.storage import SearchableStorage
from flows.cli.flags import take_flag
from flows.files.control_characters import terminal_line
from flows.run.services import open_index
from flows.spec.study import Study
from flows.storage.names import source_name

if TYPE_CHECKING:
    from flows.corpus.build_counts import BuildCounts
    from flows.storage.rows import Reject

_EVERY = 500
"""Passages between two lines of progress where there is no terminal."""


def take_reembed(settings: list[str]) -> bool:
    """Takes `reembed=true` out of the settings of the verb."""
    return take_flag(settings, "reembed", "write reembed=true to embed the corpus anew with the model now configured")


@dataclass(frozen=True)
class _Ingested:
    """A corpus after its index was brought up to date."""

    corpus: str
    label: str
    source: str
    documents: int
    passages: int
    built: BuildCounts
    left_out: list[Reject]
    embedding: str
    index: str


def ingest(studies: Sequence[Study], options: argparse.Namespace, *, reembed: bool) -> int:
    """Brings the corpus of each flow up to date, each corpus once. Raises RunError for a flow without a corpus."""
    by_corpus = dict[str, Study]()
    for study in studies:
        if study.flow.corpus is None:
            raise RunError(f"the flow '{study.flow.name}' searches no corpus; write for example: ingest +flows=zot")
        by_corpus.setdefault(study.flow.corpus, study)
    done = [asyncio.run(_ingest(name, study, reembed=reembed)) for name, study in by_corpus.items()]
    if options.json:
        print(json.dumps([_as_json(one) for one in done], indent=2, ensure_ascii=False))
    else:
        for one in done:
            print("\n".join(terminal_line(line) for line in _lines(one)))
    return 0


async def _ingest(name: str, study: Study, *, reembed: bool) -> _Ingested:
    from flows.corpus.embedders import embedder_of

    config = study.storage[name]
    index = await open_index(study, _progress(name), _note, reembed=reembed)
    if index is None or not isinstance(config, SearchableStorage):
        raise RunError(f"the corpus '{name}' cannot be opened")
    documents, passages = index.counts()
    return _Ingested(
        corpus=name,
        label=config.label,
        source=source_name(config.source),
        documents=documents,
        passages=passages,
        built=index.built,
        left_out=index.rejects(),
        embedding=embedder_of(config, study.models).name,
        index=index.location,
    )


def _progress(name: str) -> Callable[[int, int | None], None]:
    """One line that is written over at a terminal; elsewhere a line now and then."""
    told = 0

    def show(done: int, total: int | None) -> None:
        nonlocal told
        text = f"{name}: {done:,}{f' of {total:,}' if total else ''} passages"
        if sys.stderr.isatty():
            print(f"\r{terminal_line(text)}", end="\n" if done == total else "", file=sys.stderr, flush=True)
        elif done >= told + _EVERY:
            told = done
            print(terminal_line(text), file=sys.stderr, flush=True)

    return show


def _note(text: str) -> None:
    print(f"note: {terminal_line(text)}", file=sys.stderr)


def _lines(one: _Ingested) -> Iterator[str]:
    built = one.built
    yield f"{one.corpus}: {one.label}, from {one.source}"
    if built.was_read:
        changes = (
            f"{built.new:,} new, {built.changed:,} changed, {built.unchanged:,} as before, {built.removed:,} removed"
        )
        made = f"{built.embedded:,} embedded now" + (f", {built.reused:,} embedded before" if built.reused else "")
    else:
        changes, made = "the source is as it was, so nothing was read", "0 embedded now"
    yield f"  documents: {one.documents:,} ({changes})"
    yield f"  passages: {one.passages:,} ({made})"
    yield f"  left out: {len(one.left_out):,}"
    yield from (f"    - {reject}" for reject in one.left_out)
    yield f"  embedding: {one.embedding}"
    yield f"  index: {one.index}"


def _as_json(one: _Ingested) -> dict[str, object]:
    left_out = [{"source": reject.source, "line": reject.line, "reason": reject.reason} for reject in one.left_out]
    return {**asdict(one), "left_out": left_out}
