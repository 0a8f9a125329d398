"""Reads the passages of a request, with their sentences and words, and groups them by document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agents.llms.embedded.sentences import sentences
from agents.llms.embedded.words import Word, words


@dataclass(frozen=True)
class PassageText:
    """One passage of the material."""

    label: str
    record_id: str
    title: str
    section: str
    date: str
    text: str
    labels: str
    """The texts in the record's metadata, joined: places, topics, authors."""

    @cached_property
    def sentences(self) -> list[str]:
        """The sentences, verbatim."""
        return sentences(self.text)

    @cached_property
    def words(self) -> list[Word]:
        """The content words of the text, and of its title, section and labels."""
        return words(f"{self.title}. {self.section}. {self.text} {self.labels}")


def read_passages(material: Mapping[str, Any]) -> list[PassageText]:
    """The passages of a request's material, in its order."""
    return [
        PassageText(
            label=str(item["label"]),
            record_id=str(item["record_id"]),
            title=str(item.get("title") or item["record_id"]),
            section=str(item.get("section") or ""),
            date=str(item.get("date") or ""),
            text=str(item["text"]),
            labels=". ".join(_texts(item.get("metadata") or {})),
        )
        for item in material.get("passages", ())
    ]


def by_record(passages: Sequence[PassageText]) -> dict[str, list[PassageText]]:
    """The passages by document, in the order of the first passage of each document."""
    grouped: dict[str, list[PassageText]] = {}
    for passage in passages:
        grouped.setdefault(passage.record_id, []).append(passage)
    return grouped


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]  # type: ignore[reportUnknownVariableType]
    if isinstance(value, list | tuple):
        return [text for item in value for text in _texts(item)]  # type: ignore[reportUnknownVariableType]
    return []
