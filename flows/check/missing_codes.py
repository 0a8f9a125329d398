"""The check of codes for "not coded": whether people's answers hold what `missing` names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from contract.measures import Measures, TruthSource
from contract.record import Record
from flows.check.preview import Preview, rows_text
from flows.config.diagnostics import Diagnostics, closest_name
from flows.tables.answers import spelling, text_readings

_MAX_ANSWERS = 200
"""Different answers that are kept, to find the nearest of them."""


@dataclass
class MissingCodeCheck:
    """Looks for the codes among the answers of people."""

    storage: str
    split: str | None
    unseen: dict[str, str]
    """Each code that no answer was so far, as it is compared -> as it is written."""
    answers: dict[str, None] = field(default_factory=dict[str, None])
    """Answers that were seen, in their order."""

    @classmethod
    def of(cls, measures: Measures | None, storage: str) -> MissingCodeCheck | None:
        """The check of those measures; None if they name no code, or compare with a gold set."""
        if measures is None or measures.gold is not None or not (codes := [*_codes(measures)]):
            return None
        return cls(storage, measures.split, {spelling(code): code for code in codes if code.strip()})

    def add(self, record: Record) -> None:
        """Looks at the answers about one record."""
        for answer in _texts(record.ground_truth):
            for part in (answer, *(answer.split(self.split) if self.split else ())):
                self.unseen.pop(spelling(part), None)
                if len(self.answers) < _MAX_ANSWERS:
                    self.answers.setdefault(part.strip())

    def report(self, preview: Preview, diagnostics: Diagnostics) -> None:
        """Notes each code that no answer is. Other data of the same study may hold it, so it is no mistake."""
        for code in self.unseen.values() if self.answers else ():
            what = f"'{self.storage}': `missing` names '{code}', which no answer of people {rows_text(preview)} is"
            near = closest_name(code, self.answers)
            diagnostics.add_notice(f"{what}; did you mean '{near}'?" if near else what)


def _codes(measures: Measures) -> Iterator[str]:
    yield from measures.missing
    sources = measures.truth.values() if isinstance(measures.truth, Mapping) else ()
    for source in sources:
        yield from source.missing if isinstance(source, TruthSource) else ()


def _texts(value: Any) -> Iterator[str]:
    """Every answer in the ground truth of a record, however deep it stands."""
    if isinstance(value, Mapping):
        for part in cast("Mapping[str, Any]", value).values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in cast("list[Any]", value):
            yield from _texts(part)
    else:
        yield from text_readings(value)
