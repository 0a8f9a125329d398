"""Cloud Storage for real, against the emulator: reading objects as files, saving run folders twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contract.errors import StorageError
from contract.storage import GCSStorage
from flows.files.checksums import write_sums
from flows.storage.factory import StorageFactory
from flows.storage.reader import read_valid_records
from tests.cloud.tables import objects_in, objects_of
from tests.support.traces import finished_run

pytestmark = pytest.mark.emulators


def put(storage: GCSStorage, **objects: str | bytes) -> None:
    for name, content in objects.items():
        objects_of(storage).blob(name).upload_from_string(content)


def at(storage: GCSStorage, path: str, **more: Any) -> GCSStorage:
    return storage.model_copy(update={"path": path, **more})


def test_an_object_is_read_as_a_file_of_its_name(bucket: GCSStorage) -> None:
    put(bucket, **{"a/posts.csv": "nr,body\n1,One.\n2,\n", "a/posts.jsonl": '{"id": "x", "text": "Two."}\n'})
    rejects: list[Any] = []
    table = at(bucket, "a/posts.csv", columns={"record_id": "nr", "text": "body"})
    assert [(one.record_id, one.text) for one in read_valid_records(table, rejects.append)] == [("1", "One.")]
    assert [str(reject).partition(": ")[0] for reject in rejects] == [f"gs://{bucket.bucket}/a/posts.csv:3"]
    assert [one.text for one in read_valid_records(at(bucket, "a/posts.jsonl"), rejects.append)] == ["Two."]


def test_a_prefix_is_read_object_by_object(bucket: GCSStorage) -> None:
    put(
        bucket,
        **{"texts/b/two.txt": "Two.", "texts/one.md": "# One\n\nOne.", "texts/out\\..txt": "Out.", "other.txt": "x"},
    )
    put(bucket, **{"parts/1.jsonl": '{"id": 1, "text": "One."}\n', "parts/2.jsonl": '{"id": 2, "text": "Two."}\n'})
    rejects: list[Any] = []
    found = list(read_valid_records(at(bucket, "texts/"), rejects.append))
    assert [(one.record_id, one.title) for one in found] == [("b/two", "two"), ("one", "One")]
    assert [reject.reason for reject in rejects] == ["its name would lead out of a folder, so it was not read"]
    assert [one.record_id for one in read_valid_records(at(bucket, "parts/"), rejects.append)] == ["1", "2"]


@pytest.mark.parametrize(
    ("path", "more", "message"),
    [
        ("nothing.csv", {}, "there is no object gs://"),
        ("nothing/", {}, "there are no objects below gs://"),
        ("big.csv", {"most_bytes": 10}, r"holds 25 bytes, more than `most_bytes` allows \(10 bytes\)"),
        ("big.csv", {"bucket": "not-there"}, "no such bucket, or this account may not see it"),
        ("odd.xyz", {}, "gs://.*/odd.xyz: the kind '.xyz' is not known"),
    ],
)
def test_unreadable_objects_are_reported(bucket: GCSStorage, path: str, more: dict[str, Any], message: str) -> None:
    put(bucket, **{"big.csv": "id,text\n1,One.\n2,Two too\n", "odd.xyz": "x"})
    with pytest.raises(StorageError, match=message) as caught:
        list(read_valid_records(at(bucket, path, **more), lambda _: None))
    assert "/tmp" not in str(caught.value)


def test_saving_twice_leaves_the_same_objects(bucket: GCSStorage, tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "study" / "20260102T030405")
    (folder / "deep").mkdir()
    (folder / "deep" / "more.txt").write_text("More.", encoding="utf-8")
    write_sums(folder)
    save = StorageFactory.saver(bucket)
    prefix = "runs/study/20260102T030405"
    assert save(folder) == f"4 files in gs://{bucket.bucket}/{prefix}/, 4 of them new"
    first = objects_in(bucket)
    assert {name: content for name, (_, content) in first.items()} == {
        f"{prefix}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert save(folder).endswith(", 0 of them new")
    assert objects_in(bucket) == first, "not even their generations have changed"


def test_other_bytes_are_never_overwritten(bucket: GCSStorage, tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "study" / "run")
    write_sums(folder)
    put(bucket, **{"runs/study/run/answers.jsonl": "somebody else's"})
    with pytest.raises(StorageError, match=r"run/answers.jsonl is there with other bytes; nothing was overwritten"):
        StorageFactory.saver(bucket)(folder)
    kept = objects_in(bucket)
    assert kept["runs/study/run/answers.jsonl"][1] == b"somebody else's"
    assert "runs/study/run/SHA256SUMS" not in kept, "which would mean that all files are there"
