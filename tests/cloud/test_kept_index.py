"""The copy of a corpus's index in a bucket: passages embedded by one machine are embedded by no other."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import conf
from contract.errors import StorageError
from contract.storage import BigQueryStorage, CorpusStorage, GCSStorage, VectorStorage
from flows.corpus.index import CorpusIndex, open_corpus
from tests.cloud.cut_proxy import cut_proxy
from tests.cloud.emulators import Emulator
from tests.cloud.google_service import ReceivedRequest, error_response, service, unused_address
from tests.cloud.tables import fill, objects_in, objects_of
from tests.corpus.fake_embedders import CountingEmbedder
from tests.support.commands import CommandLine

pytestmark = pytest.mark.emulators


@dataclass
class Machine:
    """One machine: its copy of the source, its cache, and the notes that it received."""

    folder: Path
    bucket: GCSStorage
    notes: list[str] = field(default_factory=list[str])

    def config(self, rows: list[dict[str, str]], **more: Any) -> CorpusStorage:
        self.folder.mkdir(exist_ok=True)
        source = self.folder / "posts.jsonl"
        source.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        kept = {"bucket": self.bucket.bucket, "path": "indexes", "endpoint": self.bucket.endpoint}
        return CorpusStorage.model_validate({"source": {"path": source}, "label": "Posts", "kept_in": kept, **more})

    def open(self, rows: list[dict[str, str]], embedder: CountingEmbedder | None = None) -> tuple[CorpusIndex, int]:
        """The corpus of those rows, and how many passages were embedded for it."""
        used = embedder or CountingEmbedder()
        index = open_corpus(self.config(rows), self.folder / "cache", embedder=used, on_note=self.notes.append)
        return index, used.texts


def machine(tmp_path: Path, bucket: GCSStorage, name: str) -> Machine:
    return Machine(tmp_path / name, bucket)


def rows(count: int, first: int = 0) -> list[dict[str, str]]:
    return [{"id": f"r{n}", "title": f"Title {n}", "text": f"Number {n} is odd."} for n in range(first, first + count)]


async def test_passages_embedded_by_one_machine_are_embedded_by_no_other(tmp_path: Path, bucket: GCSStorage) -> None:
    one, two = machine(tmp_path, bucket, "one"), machine(tmp_path, bucket, "two")
    first, embedded = one.open(rows(30))
    assert embedded == 30
    [name] = objects_in(bucket)
    assert name.startswith("indexes/posts-") and name.endswith(".sqlite")
    kept = objects_in(bucket)
    second, embedded = two.open(rows(30))
    assert embedded == 0
    assert second.fingerprint == first.fingerprint
    assert await second.search(["Number 7", "odd"], 10) == await first.search(["Number 7", "odd"], 10)
    assert objects_in(bucket) == kept, "nothing was written again"
    assert not one.notes and not two.notes


def test_only_what_is_new_is_embedded_and_everyone_gets_it(tmp_path: Path, bucket: GCSStorage) -> None:
    one, two, three = (machine(tmp_path, bucket, name) for name in ("one", "two", "three"))
    one.open(rows(30))
    assert two.open(rows(40))[1] == 10
    assert three.open(rows(40))[1] == 0
    assert one.open(rows(40))[1] == 0
    # A machine that is behind adds nothing, and takes nothing away.
    kept = objects_in(bucket)
    assert machine(tmp_path, bucket, "behind").open(rows(5))[1] == 0
    assert objects_in(bucket) == kept


def test_where_nothing_has_changed_no_request_goes_to_the_bucket(tmp_path: Path, bucket: GCSStorage) -> None:
    one = machine(tmp_path, bucket, "one")
    config = one.config(rows(30))
    open_corpus(config, tmp_path / "cache", embedder=CountingEmbedder())
    assert config.kept_in
    with service(lambda _: error_response(500, "x", "x")) as found:
        away = config.model_copy(update={"kept_in": config.kept_in.model_copy(update={"endpoint": found.url})})
        open_corpus(away, tmp_path / "cache", embedder=CountingEmbedder())
        assert not found.requests


def test_two_machines_that_upload_at_once_lose_nothing(tmp_path: Path, bucket: GCSStorage) -> None:
    one, two = machine(tmp_path, bucket, "one"), machine(tmp_path, bucket, "two")

    class Slow(CountingEmbedder):
        """While this machine embeds, another one finishes and uploads."""

        def embed(self, texts: Any) -> Any:
            if not objects_in(bucket):
                assert two.open(rows(30))[1] == 30
            return super().embed(texts)

    index, embedded = one.open(rows(40), Slow())
    assert embedded == 40 and index.counts() == (40, 40)
    assert "somebody else has put another index in gs://" in one.notes[0]
    kept = objects_in(bucket)
    assert one.open(rows(40))[1] == 0
    assert objects_in(bucket) != kept, "what only this machine had is there now"
    assert len(one.notes) == 1
    assert machine(tmp_path, bucket, "three").open(rows(40))[1] == 0


async def test_broken_vectors_are_made_again(tmp_path: Path, bucket: GCSStorage) -> None:
    one, two = machine(tmp_path, bucket, "one"), machine(tmp_path, bucket, "two")
    first, _ = one.open(rows(30))
    [(name, (_, content))] = objects_in(bucket).items()
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(content)
    not_numbers = b"\x00\x00\xc0\x7f" * 64
    with closing(sqlite3.connect(broken, isolation_level=None)) as db:
        db.execute("UPDATE passages SET vector = ? WHERE id <= 4", (not_numbers,))
        db.execute("UPDATE passages SET text = 'Words of somebody else' WHERE id = 9")
    objects_of(bucket).blob(name).upload_from_filename(str(broken))
    second, embedded = two.open(rows(30))
    assert embedded == 5
    assert await second.search(["odd"], 30) == await first.search(["odd"], 30)


def test_the_copy_does_not_show_where_files_lie(tmp_path: Path, bucket: GCSStorage) -> None:
    one = machine(tmp_path, bucket, "a-private-folder")
    assert one.open([*rows(3), rows(1)[0]])[0].rejects()
    [(_, content)] = objects_in(bucket).values()
    assert b"r2" in content and b"a-private-folder" not in content


@pytest.mark.parametrize("kind", ["no database", "another model", "foreign tables", "cut", "other vectors"])
def test_a_copy_that_cannot_be_used_is_refused_and_replaced(tmp_path: Path, bucket: GCSStorage, kind: str) -> None:
    one, two = machine(tmp_path, bucket, "one"), machine(tmp_path, bucket, "two")
    one.open(rows(300))
    [(name, (_, content))] = objects_in(bucket).items()
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(content)
    reason = _break_file(broken, kind)
    blob = objects_of(bucket).blob(name)
    blob.metadata = {"fingerprint": one.open(rows(300))[0].fingerprint}
    blob.upload_from_filename(str(broken))
    index, embedded = two.open(rows(300))
    assert embedded == 300 and index.counts() == (300, 300)
    [note] = two.notes
    assert f"gs://{bucket.bucket}/{name} is not used: {reason}" in note
    assert machine(tmp_path, bucket, "three").open(rows(300))[1] == 0
    assert not list((tmp_path / "two").rglob("*.fetched")) and not list((tmp_path / "two").rglob("*.sending"))


def _break_file(path: Path, kind: str) -> str:
    """Breaks the file in that way; returns the reason that should be reported."""
    if kind == "no database":
        path.write_bytes(b"<html>not found</html>" * 500)
        return "it is not a valid SQLite file"
    if kind == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        return "it is not a valid SQLite file"
    statement, reason = {
        "another model": ("UPDATE meta SET value = 'x' WHERE key = 'embedder'", "its vectors are those of another"),
        "foreign tables": ("CREATE TRIGGER own AFTER INSERT ON records BEGIN SELECT 1; END", "its tables are not"),
        "other vectors": ("UPDATE passages SET vector = x'00000000' WHERE id = 1", "its vectors are not of one length"),
    }[kind]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement)
    return reason


def test_a_download_that_is_cut_off_leaves_nothing_broken(
    tmp_path: Path, bucket: GCSStorage, gcs_emulator: Emulator
) -> None:
    machine(tmp_path, bucket, "one").open(rows(300))
    with cut_proxy(gcs_emulator) as cut:
        two = machine(tmp_path, bucket.model_copy(update={"endpoint": cut.url}), "two")
        cut.when = lambda method, path, _: method == "GET" and "alt=media" in path
        with pytest.raises(StorageError, match=r"gs://.*/indexes/posts-"):
            two.open(rows(300))
    gcs_emulator.start()
    index, embedded = Machine(two.folder, bucket).open(rows(300))
    assert embedded == 0 and index.counts() == (300, 300)


def test_an_upload_that_is_cut_off_is_repeated_later(
    tmp_path: Path, bucket: GCSStorage, gcs_emulator: Emulator
) -> None:
    with cut_proxy(gcs_emulator) as cut:
        one = machine(tmp_path, bucket.model_copy(update={"endpoint": cut.url}), "one")
        cut.when = lambda method, path, _: method == "POST" and "upload" in path
        index, embedded = one.open(rows(30))
    assert embedded == 30 and index.counts() == (30, 30)
    assert "could not be kept in the bucket" in one.notes[0]
    gcs_emulator.start()
    assert not objects_in(bucket)
    assert Machine(one.folder, bucket).open(rows(30))[1] == 0
    assert machine(tmp_path, bucket, "two").open(rows(30))[1] == 0


def test_an_upload_whose_answer_is_lost_is_found_done(
    tmp_path: Path, bucket: GCSStorage, gcs_emulator: Emulator
) -> None:
    with cut_proxy(gcs_emulator) as cut:
        one = machine(tmp_path, bucket.model_copy(update={"endpoint": cut.url}), "one")
        cut.when, cut.after_response = lambda method, path, _: method == "POST" and "upload" in path, True
        one.open(rows(30))
    gcs_emulator.start()
    kept = objects_in(bucket)
    again = Machine(one.folder, bucket)
    assert again.open(rows(30))[1] == 0
    assert objects_in(bucket) == kept and not again.notes


def test_a_missing_bucket_is_reported_before_anything_is_embedded(tmp_path: Path, bucket: GCSStorage) -> None:
    embedder = CountingEmbedder()
    for other, message in (
        ({"bucket": "not-there"}, "gs://not-there/indexes/.* is not there, or this account may not see it"),
        ({"endpoint": unused_address()}, "cannot be reached"),
    ):
        with pytest.raises(StorageError, match=message):
            machine(tmp_path, bucket.model_copy(update=other), "one").open(rows(3), embedder)
    assert embedder.texts == 0


def test_an_account_that_may_not_write_is_reported_and_the_corpus_opens(tmp_path: Path, bucket: GCSStorage) -> None:
    def read_only(asked: ReceivedRequest) -> tuple[int, Any]:
        if asked.method == "GET" and "/o/" in asked.path:
            return error_response(404, "notFound", "No such object")
        return (200, {"items": []}) if asked.method == "GET" else error_response(403, "forbidden", "Permission denied")

    with service(read_only) as found:
        one = machine(tmp_path, bucket.model_copy(update={"endpoint": found.url}), "one")
        assert one.open(rows(3))[0].counts() == (3, 3)
    assert "may not use gs://" in one.notes[0] and "roles/storage.objectUser" in one.notes[0]


STORAGE = """
mine:
  type: corpus
  label: Some decisions
  source: {{path: decisions.jsonl}}
  date_field: date
  kept_in: {{bucket: {bucket}, path: indexes, endpoint: "{endpoint}"}}
"""


def test_a_question_is_answered_on_two_machines_with_one_index(tmp_path: Path, bucket: GCSStorage) -> None:
    decisions = (Path(conf.__path__[0]) / "corpora" / "osb.jsonl").read_text(encoding="utf-8").splitlines()[:6]
    study = tmp_path / "study"
    (study / "storage").mkdir(parents=True)
    (study / "decisions.jsonl").write_text("\n".join(decisions), encoding="utf-8")
    text = STORAGE.format(bucket=bucket.bucket, endpoint=bucket.endpoint)
    (study / "storage/mine.yaml").write_text(text, encoding="utf-8")
    title = json.loads(decisions[0])["title"]
    asked = ["--config-dir", str(study), "flows.osb.corpus=mine", f"query=What was decided in {title}?"]

    one, two, three = (CommandLine(tmp_path / name) for name in ("one", "two", "three"))
    first = one.run("flows.osb", *asked)
    assert first.exit_code == 0, first.transcript
    [(name, (generation, content))] = objects_in(bucket).items()
    second = two.run("flows.osb", *asked)
    assert second.exit_code == 0, second.transcript
    assert objects_in(bucket) == {name: (generation, content)}
    assert first.stdout == second.stdout and title in first.stdout

    objects_of(bucket).blob(name).upload_from_string(b"spoilt" * 1000)
    third = three.run("flows.osb", *asked)
    assert third.exit_code == 0, third.transcript
    assert "is not used: it is not a valid SQLite file" in " ".join(third.stderr.split())
    assert not [cli.blocked_connections for cli in (one, two, three) if cli.blocked_connections]


def test_records_of_a_corpus_may_be_a_table(tmp_path: Path, table: BigQueryStorage) -> None:
    source = table.model_copy(update={"table": "posts", "columns": {"record_id": "id", "text": "text"}})
    schema = [{"name": name, "type": "STRING"} for name in ("id", "title", "text")]
    fill(source, schema, rows(20))
    config = CorpusStorage.model_validate({"source": source.model_dump(mode="json"), "label": "Posts"})
    embedder = CountingEmbedder()
    for _ in range(2):
        index = open_corpus(config, tmp_path / "cache", embedder=embedder)
        assert (index.counts(), embedder.texts) == ((20, 20), 20)
    fill(source, schema, rows(5, first=20))
    assert open_corpus(config, tmp_path / "cache", embedder=embedder).counts() == (25, 25)
    assert embedder.texts == 25


def test_records_of_a_corpus_may_lie_in_a_bucket(tmp_path: Path, bucket: GCSStorage) -> None:
    def put(count: int) -> None:
        text = "\n".join(json.dumps(row) for row in rows(count))
        objects_of(bucket).blob("sources/posts.jsonl").upload_from_string(text)

    source = {"type": "gcs", "bucket": bucket.bucket, "path": "sources/posts.jsonl", "endpoint": bucket.endpoint}
    exact = CorpusStorage.model_validate({"source": source, "label": "Posts"})
    collection = VectorStorage.model_validate({"source": source, "label": "Posts", "path": str(tmp_path / "vectors")})
    for config in (exact, collection):
        embedder = CountingEmbedder()
        for count, embedded in ((20, 20), (20, 20), (25, 25)):
            put(count)
            index = open_corpus(config, tmp_path / "cache", embedder=embedder)
            assert (index.counts(), embedder.texts) == ((count, count), embedded)
        with pytest.raises(StorageError, match="there is no object gs://"):
            objects_of(bucket).blob("sources/posts.jsonl").delete()
            open_corpus(config, tmp_path / "cache", embedder=embedder)
