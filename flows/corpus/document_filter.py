"""Which documents of a corpus fit `where`: conditions on their metadata, before anything is ranked.

    found = DocumentFilter({"country": ["Germany", "France"], "year": {"from": 2020}})
    for document in documents:
        found.add(document)
    found.kept, found.problem()

A list in the metadata fits when one of its items does. Texts are compared without regard to case; numbers and ranges of
numbers as numbers, all others as texts, where `to: 2021` includes all that begins with it, such as 2021-12-31.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from contract.where import where_words
from flows.config.diagnostics import closest_name, join_names, there_are

_MAX_VALUES = 1000
"""Values of a field that are remembered, for a message."""
_SHOWN_VALUES = 8


@dataclass(frozen=True)
class Document:
    """What is known of a document."""

    record_id: str
    title: str
    date: str | None
    uri: str | None
    metadata: Mapping[str, Any]

    def values(self) -> dict[str, list[Any]]:
        """Field -> its values; a field inside another has a dotted name. `year` is that of the date, where no field of
        that name says it.
        """
        found = dict[str, list[Any]]()
        _gather(self.metadata, "", found)
        own = {"record_id": self.record_id, "title": self.title, "date": self.date, "uri": self.uri}
        for name, value in own.items():
            found.setdefault(name, [] if value is None else [value])
        if self.date is not None and self.date[:4].isdecimal():
            found.setdefault("year", [int(self.date[:4])])
        return found


@dataclass(frozen=True)
class FilterProblem:
    """What is wrong with a condition."""

    name: str
    what: str
    nearest: str | None
    todo: str | None

    def __str__(self) -> str:
        near = f"; did you mean '{self.nearest}'?" if self.nearest else ""
        return f"where.{self.name}: {self.what}{near}{f'; {self.todo}' if self.todo else ''}"


@dataclass
class DocumentFilter:
    """Gathers the documents that fit every condition."""

    where: Mapping[str, Any]
    kept: set[str] = field(default_factory=set[str])
    """Ids of the documents that fit."""
    documents: int = 0
    """Documents that were looked at."""
    _names: set[str] = field(default_factory=set[str])
    _fitting: dict[str, int] = field(default_factory=dict[str, int])
    _seen: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])

    def add(self, document: Document) -> None:
        """Looks at one document."""
        values = document.values()
        self.documents += 1
        self._names.update(values)
        fits = True
        for name, wanted in self.where.items():
            found = values.get(name, [])
            seen = self._seen.setdefault(name, {})
            if len(seen) < _MAX_VALUES:
                seen.update(dict.fromkeys(map(str, found)))
            if _fits(found, wanted):
                self._fitting[name] = self._fitting.get(name, 0) + 1
            else:
                fits = False
        if fits:
            self.kept.add(document.record_id)

    def unknown_names(self) -> list[FilterProblem]:
        """Names that no document has."""
        # A field inside another can be named, but the names of the others are what one looks for.
        todo = there_are((name for name in self._names if "." not in name), 20)
        return [
            FilterProblem(name, f"no document has '{name}' in its metadata", closest_name(name, self._names), todo)
            for name in self.where
            if name not in self._names
        ]

    def problems(self) -> list[FilterProblem]:
        """Every mistake: names that no document has, and conditions that none fits, alone or together."""
        if unknown := self.unknown_names():
            return unknown
        if alone := [self._unfitting(name) for name in self.where if name not in self._fitting]:
            return alone
        if self.kept or not self.where:
            return []
        counts = ", ".join(f"{name} {self._fitting[name]:,}" for name in self.where)
        what = f"no document fits all the conditions together (alone: {counts})"
        return [FilterProblem(next(iter(self.where)), what, None, "leave one of them out")]

    def summary(self) -> str:
        """How many documents remain, in words; and which of several values none of them has."""
        absent = [f"{name} is {value} in none" for name, value in self._absent_values()]
        conditions = "; ".join([where_words(self.where), *absent])
        documents = "1 document is" if self.documents == 1 else f"{self.documents:,} documents are"
        return f"{len(self.kept):,} of {documents} searched: {conditions}"

    def _absent_values(self) -> Iterator[tuple[str, Any]]:
        for name, wanted in self.where.items():
            values: list[Any] = list(self._seen.get(name, {}))
            if isinstance(wanted, list | tuple) and len(values) < _MAX_VALUES:
                several = list(cast("Iterable[Any]", wanted))
                yield from ((name, one) for one in several if one is not None and not _fits(values, one))

    def _unfitting(self, name: str) -> FilterProblem:
        values = list(self._seen[name])
        wanted = self.where[name]
        near = closest_name(wanted, values) if isinstance(wanted, str) else None
        what = f"no document fits '{where_words({name: wanted})}'"
        return FilterProblem(
            name, what, near, f"its values are {join_names(values, _SHOWN_VALUES)}" if values else None
        )


def _gather(value: Any, name: str, found: dict[str, list[Any]]) -> None:
    if isinstance(value, Mapping):
        for key, inner in cast("Mapping[str, Any]", value).items():
            _gather(inner, f"{name}.{key}" if name else key, found)
        return
    values = found.setdefault(name, [])
    if isinstance(value, list | tuple):
        for item in cast("Iterable[Any]", value):
            _gather(item, name, found)
    elif value is not None and value != "":
        values.append(value)


def _fits(found: list[Any], wanted: Any) -> bool:
    if wanted is None:
        return not found
    if isinstance(wanted, Mapping):
        bounds = cast("Mapping[str, Any]", wanted)
        return any(all(_within(value, bound, limit) for bound, limit in bounds.items()) for value in found)
    if isinstance(wanted, list | tuple):
        return any(_fits(found, one) for one in cast("Iterable[Any]", wanted))
    return any(_same(value, wanted) for value in found)


def _same(value: Any, wanted: Any) -> bool:
    numbers = _numbers(value, wanted)
    return numbers[0] == numbers[1] if numbers else _text(value) == _text(wanted)


def _within(value: Any, bound: str, limit: Any) -> bool:
    if numbers := _numbers(value, limit):
        left, right = numbers
        return left >= right if bound == "from" else left <= right if bound == "to" else left < right
    if isinstance(value, int | float) or (isinstance(limit, int | float) and not _is_year(limit)):
        return False
    text, against = _text(value), _text(limit)
    if bound == "to":
        return text[: len(against)] <= against
    return text >= against if bound == "from" else text < against


def _is_year(value: Any) -> bool:
    """Whether a number may stand for the year of dates: `to: 2021`."""
    return isinstance(value, int) and not isinstance(value, bool) and 1000 <= value <= 9999


def _numbers(value: Any, wanted: Any) -> tuple[float, float] | None:
    """Both as numbers, where both are."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return None
    try:
        return float(value), float(wanted)
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str:
    return str(value).strip().casefold()
