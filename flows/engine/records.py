"""The records that a flow works on, from the request or from a storage: all of them, a sample, or a shard."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from agents.prompting.criteria import Criteria
from contract.base import digest
from contract.codebook import variable_name
from contract.errors import StorageError
from contract.gold import GoldEntry
from contract.record import Record
from contract.run import parse_shard
from contract.storage import SearchableStorage
from flows.check.first_rows import preview_records
from flows.files.gold_set import GoldSet, read_gold, with_gold
from flows.report.words import pluralised
from flows.spec.study import Study
from flows.storage.reader import read_valid_records
from flows.storage.rows import Reject
from flows.tables.coded_variables import judged_criteria


def records_of(study: Study, on_reject: Callable[[Reject], None]) -> Iterator[Record]:
    """The study's records in the order of their source. Rows that cannot be records go to `on_reject`.

    With `run.sample`, only that many of them; with `run.shard`, only the part of that shard.
    Raises StorageError when the source cannot be read.
    """
    root, _, name = study.flow.records.partition(".")
    if root == "parameters":
        text = str(study.request[name])
        yield Record(record_id=f"{name}-{digest(text)[:8]}", text=text)
        return
    config = study.storage.get(study.flow.records)
    if config is None:
        raise StorageError(f"'{study.flow.records}' is not a storage that records can be read from")
    read = read_valid_records(config.source if isinstance(config, SearchableStorage) else config, on_reject)
    taken = read if study.run.sample is None else sample(read, study.run.sample, study.run.seed)
    found = taken if study.run.shard is None else _records_of_shard(taken, study.run.shard)
    gold = gold_of(study)
    yield from found if gold is None else (with_gold(record, gold.of(record.record_id)) for record in found)


def gold_of(study: Study) -> GoldSet | None:
    """The decisions of people that the study's models are compared with; None where it names no gold set."""
    measures = study.flow.measures
    return read_gold(Path(measures.gold)) if measures and measures.gold else None


def record_notes(study: Study, records: Sequence[Record]) -> Iterator[str]:
    """What a scholar should know of the records that a run takes."""
    yield from _sample_notes(study, len(records))
    yield from _gold_notes(study, records, complete=True)


def notes_before_run(study: Study) -> Iterator[str]:
    """What `record_notes` will say, as far as it is known from the records that a check reads."""
    if gold_of(study) is None and study.run.sample is None:
        return
    records = list[Record]()
    preview = preview_records(study, [records.append])
    complete = preview is not None and not preview.more
    if complete:
        yield from _sample_notes(study, len(records))
    if complete and study.run.sample is not None:
        records = sample(records, study.run.sample, study.run.seed)
    yield from _gold_notes(study, records, complete=complete)


def _sample_notes(study: Study, records: int) -> Iterator[str]:
    """That a sample takes all, where there are fewer records than it asks for."""
    wanted = study.run.sample
    if wanted is not None and study.run.shard is None and records < wanted:
        yield f"sample={wanted:,} asks for more records than there are; all {records:,} are taken"


def _gold_notes(study: Study, records: Sequence[Record], *, complete: bool) -> Iterator[str]:
    """What a scholar should know of the gold set beside these records.

    Where these are not all, decisions on others count too, and nothing is said of what depends on those.
    """
    if (gold := gold_of(study)) is None:
        return
    words = {record.record_id: record.content_sha256 for record in records}
    decided = [entry for entry in gold.entries.values() if entry.record_id in words or not complete]
    other = {
        entry.record_id
        for entry in decided
        if entry.record_sha256 not in (None, words.get(entry.record_id, entry.record_sha256))
    }
    if other:
        yield (
            f"people decided on other words of {pluralised(len(other), 'record')} than are read now, the first is "
            f"{min(other)}; they are not compared with people"
        )
    compared = [one for one in decided if one.how != "open" and one.record_id not in other]
    yield from _other_criteria(study, compared)
    if compared and all(one.how == "corrected" for one in compared):
        yield (
            "all that people decided on these records are corrections, chosen by those who looked at models' verdicts: "
            "agreement with them says nothing of the whole"
        )
    if complete and not decided:
        yield "people decided on none of these records, so nothing is compared with them"


def _other_criteria(study: Study, decided: Sequence[GoldEntry]) -> Iterator[str]:
    """By which criteria models judge otherwise now than people did."""
    if study.flow.measures is None:
        return
    criteria = Criteria(study.folders)
    for name, value in judged_criteria(study.flow, study.flow.measures).items():
        if not value:
            continue
        now = criteria.get(value)
        variables = now.codebook.variables if now.codebook else ()
        names = {variable_name(name, one.name) for one in variables} or {name}
        other = [one for one in decided if one.criterion in names and one.criterion_sha256 not in (None, now.digest)]
        if other:
            yield (
                f"the criterion '{name}' has another text, verdicts or examples than when people decided on "
                f"{pluralised(len({one.record_id for one in other}), 'record')}; models, which judge by it as it is "
                "now, are compared with them all the same"
            )


def fetches_pages(study: Study) -> bool:
    """Whether records that are addresses of the web stand for their pages."""
    config = study.storage.get(study.flow.records)
    return config is not None and (config.source if isinstance(config, SearchableStorage) else config).fetch


def shard_of(record: Record, shards: int) -> int:
    """The shard that the record belongs to, from 1. It depends only on the record's id: added records move no other."""
    return int(digest(record.record_id), 16) % shards + 1


def _records_of_shard(found: Iterable[Record], shard: str) -> Iterator[Record]:
    number, shards = parse_shard(shard)
    return (record for record in found if shard_of(record, shards) == number)


def sample(found: Iterable[Record], size: int, seed: int) -> list[Record]:
    """`size` of the records in their order, or all if there are fewer. Memory holds no more than `size` records.

    Draws the records with the smallest digests of seed and id. So over the seeds every set of that size is equally
    likely, and the order of the source does not matter. A record that is added later can only take the place of one
    drawn record.
    """
    drawn: list[tuple[int, int, Record]] = []
    for number, record in enumerate(found):
        rank = -int(digest([seed, record.record_id]), 16)
        if len(drawn) < size:
            heapq.heappush(drawn, (rank, number, record))
        elif rank > drawn[0][0]:
            heapq.heapreplace(drawn, (rank, number, record))
    return [record for _, _, record in sorted(drawn, key=lambda one: one[1])]
