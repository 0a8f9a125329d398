"""A sample: the same seed draws the same records, whatever their order, and new records displace few."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from contract.record import Record
from flows.compose.compose import compose
from flows.engine.records import record_notes, records_of, sample
from tests.support.commands import write_files


def _records(count: int, start: int = 0) -> list[Record]:
    return [Record(record_id=str(number), text="x") for number in range(start, start + count)]


def _ids(found: list[Record]) -> list[str]:
    return [record.record_id for record in found]


@pytest.mark.parametrize("seed", range(5))
def test_a_sample_depends_on_the_seed_and_the_ids_alone(seed: int) -> None:
    every = _records(200)
    drawn = _ids(sample(every, 20, seed))
    assert len(drawn) == 20
    assert drawn == sorted(drawn, key=int), "they come in the order of the source"
    shuffled = Random(seed).sample(every, len(every))
    assert set(_ids(sample(shuffled, 20, seed))) == set(drawn)
    assert _ids(sample(every, 20, seed + 1)) != drawn
    changed = [Record(record_id=record.record_id, text="mended") for record in every]
    assert _ids(sample(changed, 20, seed)) == drawn


def test_a_larger_sample_holds_the_smaller_one_and_new_records_only_displace() -> None:
    every = _records(200)
    small, large = set(_ids(sample(every, 20, 7))), set(_ids(sample(every, 40, 7)))
    assert small < large
    more = set(_ids(sample([*every, *_records(20, 200)], 20, 7)))
    assert {id_ for id_ in more if int(id_) < 200} < small
    assert len(more & small) >= 14


def test_too_few_are_all_taken() -> None:
    assert _ids(sample(_records(3), 10, 0)) == ["0", "1", "2"]


def test_every_record_is_as_likely_as_any_other() -> None:
    every = _records(20)
    drawn = Counter(id_ for seed in range(600) for id_ in _ids(sample(every, 5, seed)))
    # 150 expected each; six standard deviations of the binomial are 64.
    assert all(86 < drawn[str(number)] < 214 for number in range(20))


def test_memory_holds_no_more_than_the_sample() -> None:
    def long() -> object:
        return (Record(record_id=str(number), text="word " * 4000) for number in range(1500))

    tracemalloc.start()
    assert len(sample(long(), 10, 0)) == 10  # type: ignore[reportArgumentType]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_a_sample_larger_than_the_records_is_noted(tmp_path: Path) -> None:
    write_files(tmp_path, {
        "storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
        "posts.jsonl": '{"record_id": "1", "text": "A post."}\n',
        "flows/tiny.yaml": "records: posts\nsteps: {last: {agent: search, inputs: {queries: record.text}}}\n"
        "corpus: osb\nresult: last\n",
    })  # fmt: skip
    [study] = compose(["tiny"], ["sample=3"], tmp_path)
    notes = list(record_notes(study, list(records_of(study, lambda _: None))))
    assert notes == ["sample=3 asks for more records than there are; all 1 are taken"]
    [fitting] = compose(["tiny"], ["sample=1"], tmp_path)
    assert list(record_notes(fitting, list(records_of(fitting, lambda _: None)))) == []
