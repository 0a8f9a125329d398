"""Collects what the section on people shows: who coded what, where they part, and where a criterion was unclear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flows.tables.identity import natural_key
from flows.tables.verdict_row import VerdictRow

MAX_LISTED = 50
"""Records that are listed; the rest are in `verdicts.csv` and in the gold set."""

MAX_VERDICTS = 8
"""Verdicts of a person that are listed: those of a number or of several options may be many."""


@dataclass(frozen=True)
class PersonShare:
    """The verdicts of one person by one criterion."""

    criteria: str
    person: str
    verdicts: Mapping[str, int]

    @property
    def total(self) -> int:
        """How many records the person judged."""
        return sum(self.verdicts.values())

    def counted(self, order: Sequence[str]) -> list[tuple[str, int]]:
        """The most frequent verdicts with their numbers of records, those of `order` first and in that order."""
        places = {name: place for place, name in enumerate(order)}
        most = sorted(self.verdicts, key=lambda name: (-self.verdicts[name], natural_key(name)))[:MAX_VERDICTS]
        named = sorted(most, key=lambda name: (places.get(name, len(places)), natural_key(name)))
        return [(name, self.verdicts[name]) for name in named]

    @property
    def others(self) -> int:
        """How many further verdicts the person gave."""
        return max(0, len(self.verdicts) - MAX_VERDICTS)


@dataclass(frozen=True)
class Parting:
    """A record on which people part."""

    record_id: str
    criteria: str
    verdicts: Mapping[str, str]
    """Person -> verdict."""
    decided: str | None
    """What counts as people's answer; None where it is a tie."""


@dataclass(frozen=True)
class UnclearNote:
    """A record on which the criterion was unclear to somebody."""

    criteria: str
    record_id: str
    person: str
    note: str


@dataclass(frozen=True)
class People:
    """The people whose verdicts models are compared with."""

    shares: Sequence[PersonShare]
    partings: Sequence[Parting]
    unclear: Sequence[UnclearNote]

    def __bool__(self) -> bool:
        return bool(self.shares)


def collect_people(rows: Sequence[VerdictRow]) -> People:
    """What is known of people, from the rows of all judges; each record counts once."""
    judged = {(row.criteria, row.record_id): row for row in rows if row.people or row.unclear}
    ordered = [judged[key] for key in sorted(judged, key=lambda key: (natural_key(key[0]), natural_key(key[1])))]
    counts = dict[tuple[str, str], Counter[str]]()
    for row in ordered:
        for person, verdict in row.people.items():
            counts.setdefault((row.criteria, person), Counter())[verdict] += 1
    shares = [PersonShare(*key, dict(counts[key])) for key in sorted(counts)]
    partings = [
        Parting(row.record_id, row.criteria, row.people, row.truth)
        for row in ordered
        if len(set(row.people.values())) > 1
    ]
    return People(shares, partings, list(_unclear(ordered)))


def _unclear(rows: Sequence[VerdictRow]) -> Iterator[UnclearNote]:
    for row in rows:
        for person, note in row.unclear.items():
            yield UnclearNote(row.criteria, row.record_id, person, note)
