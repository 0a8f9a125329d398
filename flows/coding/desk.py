"""CodingDesk: what each coder has before them: an order of their own, what is next, and what their answers say."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from contract.base import digest
from flows.coding.answer_log import Answer, AnswerLog, CoderState, Key, Undo
from flows.coding.task import CodedCriterion, CodingTask, DrawnRecord


@dataclass(frozen=True)
class Item:
    """One record by one criterion, at its place in a coder's order."""

    place: int
    """Counted from 1."""
    criterion: CodedCriterion
    drawn: DrawnRecord

    @property
    def key(self) -> Key:
        """What an answer to it is an answer to."""
        return self.drawn.record_id, self.criterion.name

    @property
    def mark(self) -> str:
        """What a form or a row of a workbook is about; not the record's id, which may tell what it is held to be."""
        return digest([*self.key])[:16]


def items_in_order(task: CodingTask, records: Sequence[DrawnRecord], coder: str) -> list[Item]:
    """What the coder codes, one criterion after the other, each with the records in an order of the coder's own.

    A whole criterion at a time, so that what was said by one does not colour the next on the same record.
    """
    ordered = list[Item]()
    for criterion in task.criteria:
        seed = [task.seed, coder, criterion.name]
        for drawn in sorted(records, key=lambda one: digest([*seed, one.record_id])):
            ordered.append(Item(len(ordered) + 1, criterion, drawn))
    return ordered


class CodingDesk:
    """The task and its answers, for the pages of one server."""

    def __init__(self, folder: Path, task: CodingTask, records: Sequence[DrawnRecord], log: AnswerLog) -> None:
        self.folder = folder
        self.task = task
        self.log = log
        self._records = tuple(records)
        self._items = dict[str, Sequence[Item]]()
        self._ordered_keys = dict[str, Sequence[Key]]()
        self._keys = frozenset((one.record_id, criterion.name) for one in records for criterion in task.criteria)

    def items(self, coder: str) -> Sequence[Item]:
        """What the coder codes, in an order of the coder's own."""
        if coder not in self._items:
            self._items[coder] = items_in_order(self.task, self._records, coder)
        return self._items[coder]

    def _keys_in_order(self, coder: str) -> Sequence[Key]:
        if coder not in self._ordered_keys:
            self._ordered_keys[coder] = [item.key for item in self.items(coder)]
        return self._ordered_keys[coder]

    @property
    def records(self) -> Mapping[str, DrawnRecord]:
        """Record's id -> the record."""
        return {one.record_id: one for one in self._records}

    def state(self, coder: str) -> CoderState:
        """The coder's answers that hold."""
        return self.log.answers.of(coder)

    def answered(self, coder: str) -> int:
        """How many of the coder's items have an answer."""
        # As sets: this stands on every page, and a coding may have ten thousand records.
        return len(self._keys & self.state(coder).current.keys())

    def next_item(self, coder: str, after: int = 0) -> Item | None:
        """The first item without an answer behind that place, else before it; None when all are answered."""
        current, items, keys = self.state(coder).current, self.items(coder), self._keys_in_order(coder)
        places = chain(range(after, len(items)), range(after))
        return next((items[place] for place in places if keys[place] not in current), None)

    def save(self, answer: Answer) -> bool:
        """Writes the answer to the disk; False where that form was saved before, and what it says holds.

        A form that is sent again with something else than what holds is an answer of its own.
        """
        if answer.answer_id in self.log.answers.known:
            current = self.state(answer.coder).current.get(answer.key)
            if current is not None and current.said == answer.said:
                return False
            answer = answer.model_copy(update={"answer_id": secrets.token_hex(12)})
        return self.log.append(answer)

    def undo(self, coder: str) -> Item | None:
        """Takes back the coder's last answer, and returns what it was an answer to; None where there is none."""
        history = self.state(coder).history
        if not history:
            return None
        last = history[-1]
        self.log.append(Undo(answer_id=last.answer_id, coder=coder))
        return next((item for item in self.items(coder) if item.key == last.key), None)
