"""Cuts a record's sections into passages, each a verbatim part of its section.

Cuts fall between paragraphs where possible, else between sentences, else between words (Unicode rules, through
semantic-text-splitter), so `passage.text == section[passage.start:passage.end]` always holds. In the texts of PDFs and
in others with short lines, a line ends anywhere: where its sentence goes on there, it is no place for a cut, or half
of a sentence could be found and not be quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from agents.evidence.locators import locators_between
from contract.base import digest
from contract.findings import MAIN_SECTION, Passage
from contract.record import Locator, Record

_LINE_END_IN_SENTENCE = re.compile(
    r"""
    (?<=\S)\n(?=[a-zß-öø-ÿ])                                        # a small letter begins no sentence
    | (?<=[^\W\d_]|[,;\-\u00ad\u2010])\n(?=["'“‘„«(]?[^\W\d_]|\d+[^.)\d])  # nor does one end with a letter
    """,
    re.VERBOSE,
)
"""A list's item begins with a sign, or with a number and a full stop."""
_CUT_VERSION = "lines of sentences together"


@dataclass(frozen=True)
class Chunking:
    """How records are cut; lengths in characters (Unicode code points)."""

    characters: int = 1200
    overlap: int = 150
    sections: Sequence[str] = ()
    """Sections to index, in order; empty means the main text and all sections."""
    date_field: str | None = None
    """The metadata field with the date of publication; None tries `date`, `date_published` and `published`."""


def chunk_record(record: Record, chunking: Chunking) -> Iterator[Passage]:
    """The record's passages in reading order. The same record and chunking always give the same ids."""
    date = publication_date(record, chunking.date_field)
    for name, text in _sections(record, chunking.sections):
        for start, chunk in _split_text(text, chunking):
            yield Passage(
                passage_id=f"{record.record_id}#{name}:{start}-{start + len(chunk)}",
                record_id=record.record_id,
                title=record.title or record.record_id,
                section=name,
                text=chunk,
                start=start,
                end=start + len(chunk),
                content_hash=sha256(chunk.encode()).hexdigest(),
                uri=record.uri,
                date=date,
                metadata=record.metadata,
                locators=passage_locators(record.locators, name, start, start + len(chunk)),
            )


def index_hash(record: Record) -> str:
    """A hash of the record as it is cut: of one that would have been cut otherwise earlier, another than then."""
    texts = (record.text, *map(str, record.sections.values()))
    is_as_before = not any(map(_LINE_END_IN_SENTENCE.search, texts))
    return record.fingerprint if is_as_before else digest([record.fingerprint, _CUT_VERSION])


def passage_locators(locators: Sequence[Locator], section: str, start: int, end: int) -> tuple[Locator, ...]:
    """The pages of a passage; those of a record are the pages of its main text."""
    is_main = section in (MAIN_SECTION, f"main {MAIN_SECTION}")
    return locators_between(locators, start, end) if is_main else ()


def _sections(record: Record, wanted: Sequence[str]) -> list[tuple[str, str]]:
    main = MAIN_SECTION if MAIN_SECTION not in record.sections else f"main {MAIN_SECTION}"
    every = {main: record.text, **{name: str(text) for name, text in record.sections.items()}}
    names = wanted or list(every)
    return [(name, every[name]) for name in names if every.get(name, "").strip()]


def _split_text(text: str, chunking: Chunking) -> list[tuple[int, str]]:
    if len(text) <= chunking.characters:
        start = len(text) - len(text.lstrip())
        return [(start, text.strip())]
    from semantic_text_splitter import TextSplitter

    overlap = min(chunking.overlap, chunking.characters // 2)
    splitter: Any = TextSplitter(chunking.characters, overlap=overlap)
    # A blank in the place of a line end: no offset changes.
    chunks: list[tuple[int, str]] = splitter.chunk_indices(_LINE_END_IN_SENTENCE.sub(" ", text))
    return [(start, text[start : start + len(chunk)]) for start, chunk in chunks]


def publication_date(record: Record, field: str | None) -> str | None:
    """The date of publication, from the metadata field that the corpus names, else from one of the usual names."""
    for name in (field,) if field else ("date", "date_published", "published"):
        value = record.metadata.get(name)
        if value is not None:
            return str(value)
    return None
