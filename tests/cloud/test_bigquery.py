"""BigQuery for real, against the emulator: reading any table, saving twice, and a table of another shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StorageError
from contract.storage import BigQueryStorage
from flows.storage.bigquery_sql import CELLS
from flows.storage.factory import StorageFactory
from flows.storage.reader import read_valid_records
from tests.cloud.cut_proxy import cut_proxy
from tests.cloud.emulators import Emulator
from tests.cloud.tables import client_to, fill, rows_in, tables_in
from tests.support.traces import cell, finished_run, record, write_run

pytestmark = pytest.mark.emulators

POSTS = [
    {"name": "id", "type": "INTEGER"},
    {"name": "body", "type": "STRING"},
    {"name": "lang", "type": "STRING"},
    {"name": "day", "type": "DATE"},
    {"name": "at", "type": "TIMESTAMP"},
    {"name": "price", "type": "NUMERIC"},
    {"name": "tags", "type": "STRING", "mode": "REPEATED"},
    {
        "name": "by",
        "type": "RECORD",
        "fields": [{"name": "name", "type": "STRING"}, {"name": "age", "type": "INTEGER"}],
    },
    {"name": "extra", "type": "JSON"},
]


def post(number: int, **more: Any) -> dict[str, Any]:
    by = {"name": "Ada", "age": 36}
    fields = {"id": number, "body": f"Post {number}.", "lang": "en" if number % 2 else "de", "day": "2026-03-01"}
    typed = {"at": "2026-03-01T12:00:00.000001Z", "price": "0.10", "tags": ["a", "b"], "by": by, "extra": {"deep": [1]}}
    return {**fields, **typed, **more}


def test_rows_become_records_whatever_their_types(table: BigQueryStorage) -> None:
    nothing = dict.fromkeys(("lang", "day", "at", "price", "by", "extra"))
    fill(table, POSTS, [post(1), post(2, **nothing, tags=[]), post(3, body=None)])
    rejects: list[Any] = []
    found = list(read_valid_records(table, rejects.append))
    assert [one.record_id for one in found] == ["1", "2"]
    assert [reject.line for reject in rejects] == [3], "a row without text is reported and not dropped"
    first = json.loads(found[0].model_dump_json())["metadata"]
    assert first == {
        "lang": "en",
        "day": "2026-03-01",
        "at": "2026-03-01T12:00:00.000001+00:00",
        "price": 0.1,
        "tags": ["a", "b"],
        "by": {"name": "Ada", "age": 36},
        "extra": {"deep": [1]},
    }
    assert json.loads(found[1].model_dump_json())["metadata"]["price"] is None


def test_where_and_columns_choose_what_is_read(table: BigQueryStorage) -> None:
    fill(table, POSTS, [post(number) for number in range(6)])
    columns = {"metadata.author": "by.name", "ground_truth.day": "day"}
    where: dict[str, str | int | float | bool] = {
        "lang": "en",
        "day": "2026-03-01",
        "at": "2026-03-01 12:00:00.000001+00",
    }
    found = list(read_valid_records(table.model_copy(update={"columns": columns, "where": where}), lambda _: None))
    assert [one.record_id for one in found] == ["1", "3", "5"]
    first = json.loads(found[0].model_dump_json())
    assert first["metadata"] == {"author": "Ada", "by": {"age": 36}}, "columns that nothing names are not read"
    assert first["ground_truth"] == {"day": "2026-03-01"}
    evil = table.model_copy(update={"where": {"lang": "en' OR '1'='1"}})
    with pytest.raises(StorageError, match="it holds no rows"):
        list(read_valid_records(evil, lambda _: None))


def test_a_large_table_is_read_in_constant_memory(table: BigQueryStorage) -> None:
    number = 100_000
    columns = [{"name": "id", "type": "STRING"}, {"name": "body", "type": "STRING"}]
    fill(table, columns, [{"id": f"{n:06}", "body": f"Post {n}. " + "word " * 40} for n in range(number)])
    seen, early = 0, 0.0
    for seen, row in enumerate(StorageFactory.rows(table), start=1):
        assert getattr(row, "values")["id"] == f"{seen - 1:06}"  # noqa: B009
        if seen == 20_000:
            early = megabytes()
    assert seen == number
    assert megabytes() - early < 15, "80,000 rows more are 20 MB of text alone"


def megabytes() -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def test_a_missing_table_or_dataset_is_named(table: BigQueryStorage, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=rf"dataset {table.dataset}, table cells\) is not there"):
        list(StorageFactory.rows(table))
    folder = finished_run(tmp_path / "study" / "run", records=1)
    with pytest.raises(StorageError, match=r"there is no dataset study-one.nowhere .*bq mk --dataset"):
        StorageFactory.saver(table.model_copy(update={"dataset": "nowhere"}))(folder)


def test_saving_twice_leaves_the_same_rows(table: BigQueryStorage, tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "study" / "20260102T030405", records=6)
    save = StorageFactory.saver(table)
    assert save(folder) == "35 cells, 35 of them new or changed, in a new table"
    first = rows_in(table)
    assert len(first) == len({row["cell_id"] for row in first}) == 35
    made = client_to(table).get_table(f"{table.project}.{table.dataset}.{table.table}")
    assert (made.time_partitioning.type_, made.time_partitioning.field) == ("DAY", "ended")
    assert tuple(made.clustering_fields) == CELLS.clustering
    assert save(folder) == "35 cells, 0 of them new or changed"
    assert rows_in(table) == first
    assert tables_in(table) == {"cells", "cells_runs"}, "no other table is left"


def test_a_later_run_changes_only_rows_with_another_answer(table: BigQueryStorage, tmp_path: Path) -> None:
    variant = {"criteria": "ordinary", "model": "alpha"}
    ids = range(3)
    before = write_run(tmp_path / "study" / "run-1", [cell(record(n), variant) for n in ids])
    StorageFactory.saver(table)(before)
    later: dict[str, Any] = {"attempts": 2, "ended": "2026-05-05T00:00:00Z"}
    again = [
        cell(record(0), variant, **later),
        cell(record(1), variant, status="refused", **later),
        cell(record(3), variant),
    ]
    after = write_run(tmp_path / "study" / "run-2", again)
    assert StorageFactory.saver(table)(after) == "3 cells, 2 of them new or changed"
    rows = {row["record_id"]: (row["status"], row["run"], row["attempts"]) for row in rows_in(table)}
    assert rows == {
        "r0": ("completed", "run-1", 1),
        "r1": ("refused", "run-2", 2),
        "r2": ("completed", "run-1", 1),
        "r3": ("completed", "run-2", 1),
    }


def test_rows_belong_to_a_study_and_the_rows_of_a_run_can_be_selected(table: BigQueryStorage, tmp_path: Path) -> None:
    variant = {"criteria": "ordinary", "model": "alpha"}
    one, other = (table.model_copy(update={"study": name}) for name in ("group one", "group two"))
    first = write_run(tmp_path / "study" / "run-1", [cell(record(n), variant) for n in range(3)])
    changed = [cell(record(0), variant), cell(record(1), variant, status="refused", ended="2026-05-05T00:00:00Z")]
    later = write_run(tmp_path / "study" / "run-2", changed)
    assert StorageFactory.saver(one)(first).startswith("3 cells, 3 of them new")
    assert StorageFactory.saver(other)(later).startswith("2 cells, 2 of them new"), "nobody else's rows are replaced"
    assert StorageFactory.saver(one)(later) == "2 cells, 1 of them new or changed"
    found = {(row["study"], row["record_id"]): (row["status"], row["run"]) for row in rows_in(table)}
    assert found == {
        ("group one", "r0"): ("completed", "run-1"),
        ("group one", "r1"): ("refused", "run-2"),
        ("group one", "r2"): ("completed", "run-1"),
        ("group two", "r0"): ("completed", "run-2"),
        ("group two", "r1"): ("refused", "run-2"),
    }
    name = f"`{table.project}`.`{table.dataset}`.`cells"
    selected = client_to(table).query(
        f"SELECT c.record_id FROM {name}` AS c JOIN {name}_runs` AS r USING (study, cell_id, answer_digest) "
        "WHERE r.study = 'group one' AND r.run = 'run-2' ORDER BY c.record_id"
    )
    assert [row["record_id"] for row in selected.result()] == ["r0", "r1"], "the unchanged one, too"
    assert StorageFactory.saver(one)(later) == "2 cells, 0 of them new or changed"


def _written_by(table: BigQueryStorage, account: str) -> None:
    """Makes the rows those of another account, since the emulator knows one only."""
    name = f"`{table.project}.{table.dataset}.{table.table}`"
    client_to(table).query(f"UPDATE {name} SET saved_by = '{account}' WHERE TRUE").result()


def test_rows_of_another_group_with_the_same_study_are_not_replaced(table: BigQueryStorage, tmp_path: Path) -> None:
    variant = {"criteria": "ordinary", "model": "alpha"}
    theirs = write_run(tmp_path / "study" / "run-1", [cell(record(n), variant) for n in range(3)])
    texts = [record(n, text=f"Words of another group, {n}.") for n in range(3)]
    ours = write_run(tmp_path / "study" / "run-2", [cell(one, variant, status="refused") for one in texts])
    StorageFactory.saver(table)(theirs)
    first = rows_in(table)
    with pytest.raises(StorageError, match=r"a study 'ours' already, and its texts are others under all 3 ids"):
        StorageFactory.saver(table)(ours)
    _written_by(table, "anna@example.org")
    again = write_run(tmp_path / "study" / "run-3", [cell(record(0), variant, status="refused")])
    with pytest.raises(StorageError, match=r"1 of its rows, which .* saved by anna@example.org\. No row was changed"):
        StorageFactory.saver(table)(again)
    assert [{**row, "saved_by": None} for row in rows_in(table)] == [{**row, "saved_by": None} for row in first]
    named = table.model_copy(update={"owner": "our group"})
    told = StorageFactory.saver(named)(ours)
    assert told == "3 cells, 3 of them new or changed; 3 older of the same cells, without `owner`, left as they were"
    owners = [(row["owner"], row["status"]) for row in rows_in(table, "owner, cell_id")]
    assert sorted(owners, key=str) == [("our group", "refused")] * 3 + [(None, "completed")] * 3
    _written_by(table, "ben@example.org")
    assert StorageFactory.saver(named)(again).startswith("1 cells, 0 of them new"), "one owner may have many accounts"
    assert {name for name in tables_in(table) if "_saving_" in name} == set(), "nothing is left behind"


def test_one_group_may_correct_texts_and_rows_without_a_study_are_told(table: BigQueryStorage, tmp_path: Path) -> None:
    variant = {"criteria": "ordinary", "model": "alpha"}
    StorageFactory.saver(table)(write_run(tmp_path / "study" / "run-1", [cell(record(n), variant) for n in range(2)]))
    corrected = [cell(record(0), variant), cell(record(1, text="A letter was corrected."), variant, status="refused")]
    later = write_run(tmp_path / "study" / "run-2", corrected)
    assert StorageFactory.saver(table)(later) == "2 cells, 1 of them new or changed"

    other = table.model_copy(update={"table": "older"})
    columns = [{"name": "cell_id", "type": "STRING"}, {"name": "flow", "type": "STRING"}]
    columns += [{"name": "ended", "type": "TIMESTAMP"}]
    old = [{"cell_id": one.cell_id, "flow": "study", "ended": "2025-01-01T00:00:00Z"} for one in corrected[:1]]
    fill(other, columns, old)
    told = StorageFactory.saver(other)(later)
    assert told.startswith("2 cells, 2 of them new or changed; the table lacked study, owner, ")
    assert told.endswith("; 1 older of the same cells, without `study`, left as they were")
    assert sorted(str(row["study"]) for row in rows_in(other)) == ["None", "ours", "ours"]


def test_every_statement_of_a_save_has_the_byte_limit_and_merging_names_its_days(
    table: BigQueryStorage, bigquery_emulator: Emulator, tmp_path: Path
) -> None:
    asked: list[dict[str, Any]] = []

    def note(method: str, path: str, body: bytes) -> bool:
        if method == "POST" and path.partition("?")[0].endswith("/jobs"):
            configuration = json.loads(body)["configuration"]
            asked.extend([configuration["query"]] if "query" in configuration else [])
        return False

    variant = {"criteria": "ordinary", "model": "alpha"}
    days = ("2026-01-02", "2026-05-05")
    before = [cell(record(n), variant, ended=f"{day}T12:00:00Z") for n, day in enumerate(days)]
    StorageFactory.saver(table)(write_run(tmp_path / "study" / "run-1", before))
    later = [cell(record(1), variant, status="refused", ended="2026-06-06T12:00:00Z")]
    with cut_proxy(bigquery_emulator) as proxy:
        proxy.when = note
        limited = table.model_copy(update={"endpoint": proxy.url, "most_bytes": 123_456_789})
        StorageFactory.saver(limited)(write_run(tmp_path / "study" / "run-2", later))
    assert {query["maximumBytesBilled"] for query in asked} == {"123456789"}
    merged = [query["query"] for query in asked if query["query"].startswith("MERGE")]
    assert len(merged) == 2 and len(asked) >= 5
    assert "DATE(kept.`ended`) IN (DATE '2026-05-05', DATE '2026-06-06') WHEN" in merged[0], "not 2026-01-02"
    assert "DATE(kept.`started`) IN (DATE '" in merged[1]


def test_a_table_that_lacks_columns_gets_them_and_one_that_differs_is_left(
    table: BigQueryStorage, tmp_path: Path
) -> None:
    folder = finished_run(tmp_path / "study" / "run", records=1)
    fill(
        table,
        [{"name": "cell_id", "type": "STRING"}, {"name": "mine", "type": "STRING"}],
        [{"cell_id": "x", "mine": "y"}],
    )
    message = StorageFactory.saver(table)(folder)
    assert message.startswith("6 cells, 6 of them new or changed; the table lacked study, owner, flow, step, ")
    kept = [row for row in rows_in(table) if row["cell_id"] == "x"]
    assert [(row["mine"], row["flow"]) for row in kept] == [("y", None)]
    # The emulator adds columns, but still describes the table without them.
    assert StorageFactory.saver(table)(folder).startswith("6 cells, 0 of them new or changed")

    other = table.model_copy(update={"table": "other"})
    fill(other, [{"name": "cell_id", "type": "INTEGER"}], [{"cell_id": 1}])
    with pytest.raises(StorageError, match="'cell_id' holds INTEGER, and cells have STRING there"):
        StorageFactory.saver(other)(folder)
    assert rows_in(other) == [{"cell_id": 1}] and tables_in(table) == {"cells", "cells_runs", "other"}
