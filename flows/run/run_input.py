"""The input of a run: records, pages that stand for records, and the desk at which people answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contract.record import Record
from flows.check.ground_truth import check_ground_truth
from flows.engine.records import record_notes, records_of
from flows.gates.desk import Desk
from flows.run.listener import RunListener
from flows.run.page_records import with_pages
from flows.run.people import open_desk
from flows.run.run_notes import RunNotes
from flows.run_folder.manifest import RunStart
from flows.spec.study import Study
from flows.storage.rows import Reject


@dataclass(frozen=True)
class RunInput:
    """The records of a run, and what was noted when they were read."""

    start: RunStart
    records: Sequence[Record]
    rejects: list[Reject]
    """Rows that are no records; more may come while the run reads its corpus."""
    desk: Desk

    @classmethod
    async def read(cls, study: Study, listener: RunListener, notes: RunNotes) -> RunInput:
        """Reads all records, with the pages that stand for some. Raises StudyError for answers that fit no record."""
        start, rejects = RunStart.read(study), list[Reject]()
        records = list(records_of(study, rejects.append))
        check_ground_truth(study, records)
        for note in record_notes(study, records):
            notes.add(note)
        # Before shards begin, so that each page is fetched by one of them only.
        records, pages = await with_pages(study, records, rejects.append, notes.add)
        return cls(replace(start, pages=pages), records, rejects, open_desk(study, listener.people, records))
