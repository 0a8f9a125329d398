"""Whole studies in the cloud: records from BigQuery, results to BigQuery and GCS; and services that die on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.storage import BigQueryStorage, GCSStorage
from flows.files.checksums import write_sums
from flows.files.run_data import RunData
from flows.storage.factory import StorageFactory
from tests.cloud.cut_proxy import CutProxy, RequestMatcher, cut_proxy
from tests.cloud.emulators import Emulator
from tests.cloud.tables import fill, objects_in, rows_in, tables_in
from tests.support.commands import CommandLine, run_folders
from tests.support.traces import cell, finished_run, record, write_run

pytestmark = pytest.mark.emulators

FLOW = """
name: posts
description: Which posts break the rules?
records: source
save: [warehouse, bucket]
steps:
  judge:
    agent: judge
    variants: {criteria: [ordinary, power], model: "${llms.judgers}"}
    repeats: 1
measures:
  verdicts: judge
  truth: harmful
  labels: {"true": violates, "false": does_not_violate}
"""
POSTS = [
    {"name": "nr", "type": "INTEGER"},
    {"name": "body", "type": "STRING"},
    {"name": "lang", "type": "STRING"},
    {"name": "harmful", "type": "BOOLEAN"},
]


def study(cli: CommandLine, table: BigQueryStorage, bucket: GCSStorage, posts: int = 6) -> list[str]:
    """Writes the study and fills its source; returns the arguments to run it with."""
    source = table.model_copy(
        update={"table": "posts", "columns": {"text": "body", "record_id": "nr", "ground_truth.harmful": "harmful"}}
    )
    source = source.model_copy(update={"where": {"lang": "en"}})
    rows: list[dict[str, Any]] = [
        {"nr": n, "body": f"Post {n}: go away, vermin.", "lang": "en" if n < posts else "de", "harmful": n % 2 == 0}
        for n in range(posts + 2)
    ]
    fill(source, POSTS, rows)
    folder = cli.folder / "study"
    for group in ("flows", "storage"):
        (folder / group).mkdir(parents=True)
    (folder / "flows/posts.yaml").write_text(FLOW, encoding="utf-8")
    storages = {"source": source, "warehouse": table, "bucket": bucket}
    content = {
        name: one.model_dump(mode="json", exclude_defaults=True) | {"type": one.type} for name, one in storages.items()
    }
    (folder / "storage/cloud.yaml").write_text(json.dumps(content), encoding="utf-8")
    return ["flows", "run", "+flows=[posts]", "--config-dir", str(folder)]


def test_a_study_reads_and_saves_in_the_cloud_and_again_changes_nothing(
    cli: CommandLine, table: BigQueryStorage, bucket: GCSStorage
) -> None:
    command = study(cli, table, bucket)
    done = cli.run(*command)
    assert done.exit_code == 0, done.transcript
    assert (
        "posts: the query reads" in done.stderr
        and "Saved to warehouse: 24 cells, 24 of them new or changed" in done.stderr
    )
    rows = rows_in(table)
    assert len(rows) == 24 and {row["record_id"] for row in rows} == {str(n) for n in range(6)}
    assert {row["status"] for row in rows} == {"completed"} and {row["value"]["criteria"] for row in rows} == {
        "ordinary",
        "power",
    }
    [folder] = run_folders(cli, "posts")
    saved = {
        name.removeprefix(f"runs/posts/{folder.name}/"): content for name, (_, content) in objects_in(bucket).items()
    }
    assert saved == {path.name: path.read_bytes() for path in folder.iterdir()}

    again = cli.run(*command)
    assert again.exit_code == 0, again.transcript
    assert "Model calls: 0 new" in again.stderr and "24 cells, 0 of them new or changed" in again.stderr
    assert rows_in(table) == rows


def _loading(method: str, path: str, _: bytes) -> bool:
    return method in ("POST", "PUT") and path.startswith("/upload/bigquery")


def _merging(method: str, path: str, body: bytes) -> bool:
    return method == "POST" and path.partition("?")[0].endswith("/jobs") and b"MERGE" in body


def _deleting(method: str, _: str, __: bytes) -> bool:
    return method == "DELETE"


@pytest.mark.parametrize(
    ("when", "done"),
    [(_loading, False), (_loading, True), (_merging, False), (_merging, True), (_deleting, False)],
    ids=["before the load", "after the load", "before the merge", "after the merge", "before the tidying"],
)
def test_a_warehouse_killed_on_the_way_holds_all_or_nothing_and_then_all(
    when: RequestMatcher, done: bool, table: BigQueryStorage, bigquery_emulator: Emulator, tmp_path: Path
) -> None:
    before = write_run(tmp_path / "study" / "run-1", [cell(record(0), {"criteria": "ordinary", "model": "alpha"})])
    StorageFactory.saver(table)(before)
    first = rows_in(table)
    folder = finished_run(tmp_path / "study" / "run-2")
    with cut_proxy(bigquery_emulator) as cut:
        saved = _save(cut, when, done, table.model_copy(update={"endpoint": cut.url}), folder)
        assert cut.has_cut and not bigquery_emulator.running
        bigquery_emulator.start()
        assert saved == (when is _deleting)
        merged = len(rows_in(table)) > 1
        assert merged == (when is _deleting or (when is _merging and done)), "all of the run or nothing of it"
        assert merged or rows_in(table) == first
        StorageFactory.saver(table.model_copy(update={"endpoint": cut.url}))(folder)
    cells = {trace.cell_id for trace in RunData.open(folder).traces()} | {first[0]["cell_id"]}
    rows = [row["cell_id"] for row in rows_in(table)]
    assert sorted(rows) == sorted(cells), "nothing lost, nothing doubled"


def test_a_bucket_killed_on_the_way_is_filled_by_the_next_save(
    bucket: GCSStorage, gcs_emulator: Emulator, tmp_path: Path
) -> None:
    folder = finished_run(tmp_path / "study" / "run")
    for number in range(5):
        (folder / f"more-{number}.txt").write_text(f"More {number}.", encoding="utf-8")
    write_sums(folder)
    later = finished_run(tmp_path / "study" / "run-2")
    for done in (False, True):
        with cut_proxy(gcs_emulator) as cut:
            storage = bucket.model_copy(update={"endpoint": cut.url, "path": f"{done}/"})
            seen: list[str] = []

            def third(method: str, path: str, _: bytes, seen: list[str] = seen) -> bool:
                seen += [path] if method == "POST" and path.startswith("/upload/") else []
                return len(seen) == 3

            assert not _save(cut, third, done, storage, folder)
            gcs_emulator.start()
            there = [name for name in objects_in(bucket) if name.startswith(f"{done}/")]
            assert len(there) == (3 if done else 2)
            # The same command makes another run with a folder of its own.
            assert StorageFactory.saver(storage)(later).endswith("; run, cut off before, is whole now")
            assert StorageFactory.saver(storage)(folder).endswith(", 0 of them new")
        files = {f"{done}/study/run/{path.name}": path.read_bytes() for path in folder.iterdir()}
        assert {name: content for name, (_, content) in objects_in(bucket).items() if name in files} == files


def _save(
    cut: CutProxy, when: RequestMatcher, after: bool, storage: BigQueryStorage | GCSStorage, folder: Path
) -> bool:
    """Saves through a proxy that is cut; returns whether the saver took it for done."""
    from contract.errors import StorageError

    cut.when, cut.after_response = when, after
    try:
        StorageFactory.saver(storage)(folder)
    except StorageError as error:
        assert "cannot be reached" in str(error), error
        return False
    return True


def test_a_run_whose_warehouse_dies_is_whole_and_the_same_command_saves_it(
    cli: CommandLine, table: BigQueryStorage, bucket: GCSStorage, bigquery_emulator: Emulator, prefect_api: str
) -> None:
    cli.extra_variables["PREFECT_API_URL"] = prefect_api
    with cut_proxy(bigquery_emulator) as cut:
        cut.when = _merging
        command = study(cli, table.model_copy(update={"endpoint": cut.url}), bucket)
        done = cli.run(*command)
        assert done.exit_code == 1, done.transcript
        assert "Not saved to warehouse: " in done.stderr and "the same command saves it" in done.stderr
        assert "Saved to bucket: " in done.stderr, "one storage's failure does not stop the others"
        assert "Traceback" not in done.stderr
        [folder] = run_folders(cli, "posts")
        assert (folder / "SHA256SUMS").exists()
        bigquery_emulator.start()
        assert not rows_in(table)
        again = cli.run(*command)
    assert again.exit_code == 0, again.transcript
    assert "Model calls: 0 new, 24 kept" in again.stderr and "24 cells, 24 of them new or changed" in again.stderr
    assert len({row["cell_id"] for row in rows_in(table)}) == len(rows_in(table)) == 24
    assert {name for name in tables_in(table) if "_saving_" not in name} == {"cells", "cells_runs", "posts"}
