"""Saving to the cloud: the schema, the rows, the bytes; and a run that could not be saved."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from contract.base import JsonValue
from contract.errors import StorageError
from contract.storage import BigQueryStorage, GCSStorage
from flows.files.checksums import changed_files
from flows.storage.bigquery_schema import TableColumn, columns_of, schema_difference
from flows.storage.bigquery_sql import CELLS, add_column_sql, merge_sql
from flows.storage.factory import StorageFactory
from flows.storage.gcs import safe_path
from flows.storage.gcs_save import crc32c
from flows.storage.saved_cell import MAX_TRACE_BYTES, SavedCell, saved_cell
from tests.cloud.google_service import ReceivedRequest, error_response, service, unused_address
from tests.support.running import Lab
from tests.support.small_study import write_study
from tests.support.traces import call, cell, finished_run, record

TABLE = BigQueryStorage(project="my-project", dataset="studies", table="cells")
KINDS = {column.name: column.canonical_type for column in columns_of(SavedCell)}


def test_the_schema_comes_from_the_contract() -> None:
    columns = {column.name: column for column in columns_of(SavedCell)}
    assert list(columns) == list(SavedCell.model_fields)
    assert columns["cell_id"].mode == "REQUIRED" and columns["model"].mode == "NULLABLE"
    kinds = {name: KINDS[name] for name in ("status", "repeat", "cost_usd", "value", "variant", "ended", "parents")}
    assert kinds == {
        "status": "STRING",
        "repeat": "INTEGER",
        "cost_usd": "NUMERIC",
        "value": "JSON",
        "variant": "JSON",
        "ended": "TIMESTAMP",
        "parents": "REPEATED STRING",
    }
    assert "partitioned" in columns["ended"].description


def test_a_row_holds_what_the_cell_holds() -> None:
    variant: dict[str, JsonValue] = {"criteria": "ordinary", "model": "alpha", "tone": {"level": 2}}
    trace = cell(record(0), variant, calls=[call("{}", cost=Decimal("0.00000012345"))], parents=("p",))
    row = json.loads(saved_cell(trace, "run-1").model_dump_json(exclude_none=True))
    assert set(row) <= set(KINDS)
    assert (row["model"], row["criteria"], row["variant"], row["run"]) == ("alpha", "ordinary", variant, "run-1")
    assert (row["input_tokens"], row["cost_usd"], row["parents"]) == (100, "0.000000123", ["p"])
    assert row["value"]["verdict"] == "violates" and row["ground_truth"]["label"] is True
    assert json.loads(row["trace"]) == json.loads(trace.model_dump_json())


def test_the_digest_depends_on_the_answer_and_not_on_its_time() -> None:
    variant = {"criteria": "ordinary", "model": "alpha"}
    first = saved_cell(cell(record(0), variant), "run-1")
    later = saved_cell(cell(record(0), variant, attempts=3, ended="2027-01-01T00:00:00Z"), "run-2")
    other = saved_cell(cell(record(0), variant, status="refused"), "run-2")
    assert first.answer_digest == later.answer_digest != other.answer_digest
    assert first.cell_id == other.cell_id


def test_values_that_would_stop_a_load_are_made_to_fit() -> None:
    huge: dict[str, JsonValue] = {"verdict": "violates", "number": 10**30, "nested": [{"n": -(10**20)}]}
    text = "x" * MAX_TRACE_BYTES
    row = saved_cell(cell(record(0, text=text), {"model": "a"}, value=huge), "run-1")
    assert row.trace is None
    assert row.model_dump()["value"] == {
        "verdict": "violates",
        "number": str(10**30),
        "nested": [{"n": str(-(10**20))}],
    }


def test_a_difference_of_schemas_is_explained() -> None:
    there = [TableColumn("cell_id", "STRING", "REQUIRED"), TableColumn("n", "INT64"), TableColumn("ended", "STRING")]
    wanted = [
        TableColumn("cell_id", "STRING", "REQUIRED"),
        TableColumn("n", "INTEGER"),
        TableColumn("ended", "TIMESTAMP"),
    ]
    found = schema_difference([*wanted, TableColumn("new", "JSON")], there)
    assert [column.name for column in found.missing] == ["new"]
    assert found.conflicts == ["the column 'ended' holds STRING, and cells have TIMESTAMP there"]


def test_statements_name_everything_in_backticks() -> None:
    merge = merge_sql(TABLE, "cells_saving_1", ["cell_id", "answer_digest", "value"], CELLS, [date(2026, 1, 2)])
    assert merge.startswith(
        "MERGE `my-project`.`studies`.`cells` AS kept USING `my-project`.`studies`.`cells_saving_1`"
    )
    assert (
        "ON kept.`study` = fresh.`study` AND IFNULL(kept.`owner`, '') = IFNULL(fresh.`owner`, '') "
        "AND kept.`cell_id` = fresh.`cell_id` "
        "AND DATE(kept.`ended`) IN (DATE '2026-01-02') WHEN" in merge
    )
    assert " AND FALSE WHEN" in merge_sql(TABLE, "s", ["cell_id"], CELLS, []), "nothing is read where nothing stands"
    assert "UPDATE SET `answer_digest` = fresh.`answer_digest`, `value` = fresh.`value` WHEN" in merge
    added = add_column_sql(TABLE, TableColumn("parents", "STRING", "REPEATED"))
    assert added == "ALTER TABLE `my-project`.`studies`.`cells` ADD COLUMN IF NOT EXISTS `parents` ARRAY<STRING>"


@pytest.mark.parametrize("name", ["../x.txt", "/x.txt", "a/../../x", "a\\b", "", "a/./b", "x\x00.txt"])
def test_an_objects_name_never_leads_out_of_a_folder(name: str) -> None:
    assert safe_path(name) is None


def test_checksums_are_those_of_the_service(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"hello")
    assert crc32c(path) == "mnG7TA=="


def test_a_service_that_cannot_be_reached_is_reported_within_seconds(tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "study" / "run", records=1)
    storage = GCSStorage(bucket="my-bucket", path="runs/", endpoint=unused_address())
    with pytest.raises(StorageError, match=r"cannot be reached for gs://my-bucket/runs/: Connection refused"):
        StorageFactory.saver(storage)(folder)


STEPS = """\
  judge:
    agent: judge
    variants: {criteria: [one, two], model: [x, y]}
    repeats: 1
"""


async def test_a_run_that_cannot_be_saved_is_complete_and_its_state_reports_it(lab: Lab) -> None:
    write_study(lab, STEPS)
    flow = lab.folder / "flows/tiny.yaml"
    flow.write_text(flow.read_text(encoding="utf-8") + "save: [bucket]\n", encoding="utf-8")
    with service(lambda _: error_response(403, "forbidden", "No access.")) as found:
        bucket = {"type": "gcs", "bucket": "my-bucket", "path": "runs/", "endpoint": found.url}
        lab.write("storage/bucket.yaml", json.dumps({"bucket": bucket}))
        ran = await lab.run()
        assert ran.state.name == "NotSaved" and ran.state.is_failed()
        note = "Not saved to bucket: this account may not use gs://my-bucket/runs/; it needs roles/storage.objectUser"
        assert note in str(ran.state.message) and "the same command saves it" in str(ran.state.message)
        assert ran.outcome and ran.outcome.unsaved == ["bucket"]
        assert not list(changed_files(ran.outcome.folder)), "the folder is sealed before it is saved"
        assert {trace.status for trace in ran.traces} == {"completed"}


def test_requests_of_a_failed_save_hold_no_text_of_a_record(tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "study" / "run", records=1)

    def answer(asked: ReceivedRequest) -> tuple[int, object]:
        return error_response(403, "forbidden", f"No access for {asked.path}")

    with service(answer) as found, pytest.raises(StorageError) as caught:
        StorageFactory.saver(TABLE.model_copy(update={"endpoint": found.url}))(folder)
    assert "roles/bigquery.dataEditor on the dataset studies" in str(caught.value)
    assert "what was said" not in str(caught.value)
