"""The tables of a run, one property after the other."""

from __future__ import annotations

# PyArrow and pandas have no types here.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
import csv
import os
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas
import pyarrow.parquet as pq
import pytest

from contract.errors import RunError
from contract.messages import AgentTrace
from flows.files.control_characters import escape_controls
from flows.files.folder import read_traces
from flows.files.run_data import RunData
from flows.run_folder import derive as derived
from flows.run_folder.derive import derive
from flows.tables.cell_row import IDENTITY_COLUMNS, OUTCOME_COLUMNS, cell_row
from flows.tables.cells import write_cells
from flows.tables.csv_text import escape_formula, unescape_formula
from flows.tables.verdicts import verdict_rows
from tests.support.traces import call, cell, finished_run, judgement, record, spec, write_run

VARIANT = {"criteria": "ordinary", "model": "alpha"}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def one_row(trace: AgentTrace, folder: Path) -> dict[str, str]:
    write_cells(RunData.open(write_run(folder, [trace])))
    [row] = read(folder / "cells.csv")
    return row


def test_a_run_has_its_tables_and_nothing_half_written(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    assert derive(folder).measured is not None
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json", "answers.jsonl", "cells.csv", "cells.parquet", "timings.csv", "verdicts.csv", "measures.csv",
        "confusion.csv", "report.html", "report.md", "columns.md",
    }  # fmt: skip
    assert len(read(folder / "cells.csv")) == 6 * 2 * 3 - 1


def test_a_flow_without_measures_has_cells_only(tmp_path: Path) -> None:
    flow = spec().model_copy(update={"measures": None})
    folder = write_run(tmp_path, [cell(record(1), VARIANT)], flow)
    assert derive(folder).measured is None
    assert verdict_rows(RunData.open(folder)) == []
    assert not (folder / "verdicts.csv").exists()


def test_a_run_without_cells_has_tables_without_rows(tmp_path: Path) -> None:
    measured = derive(write_run(tmp_path, [])).measured
    assert measured is not None and measured.comparisons == ()
    table: Any = pq.read_table(tmp_path / "cells.parquet")
    assert table.num_rows == 0 and table.column_names == [*IDENTITY_COLUMNS, *OUTCOME_COLUMNS]
    assert (tmp_path / "verdicts.csv").read_text(encoding="utf-8").strip() == "record_id,truth"


def test_a_torn_file_is_reported_and_leaves_no_tables(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    whole = (folder / "answers.jsonl").read_text(encoding="utf-8")
    (folder / "answers.jsonl").write_text(whole[:-20], encoding="utf-8")
    with pytest.raises(RunError, match=r"answers\.jsonl:35"):
        derive(folder)
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "answers.jsonl"}


def test_times_and_attempts_are_in_a_table_of_their_own(tmp_path: Path) -> None:
    now = cell(record(1), VARIANT)
    kept = tuple(one.model_copy(update={"from_cache": True}) for one in now.calls)
    failed = call("").model_copy(update={"reply": None, "error": "no room"})
    later = now.model_copy(
        update={
            "started": now.started + timedelta(days=1),
            "ended": now.ended + timedelta(days=1, seconds=1.5),
            "attempts": 3,
            "calls": (failed, *kept),
        }
    )
    for name, trace in (("now", now), ("later", later)):
        derive(write_run(tmp_path / name, [trace]))
    for table in ("cells.csv", "cells.parquet", "verdicts.csv", "measures.csv"):
        assert (tmp_path / "now" / table).read_bytes() == (tmp_path / "later" / table).read_bytes()
    [times] = read(tmp_path / "later" / "timings.csv")
    assert (times["seconds"], times["attempts"]) == ("3.5", "3")
    assert (times["calls_paid"], times["calls_kept"], times["calls_failed"]) == ("0", "1", "1")


def test_rows_stand_in_the_order_of_records_and_steps(tmp_path: Path) -> None:
    cells = [
        cell(record(number), {"criteria": "ordinary", "model": model}, repeat=repeat)
        for number in (10, 2, 1)
        for model in ("beta", "alpha")
        for repeat in (1, 0)
    ]
    write_cells(RunData.open(write_run(tmp_path, cells)))
    written = [(row["record_id"], row["model"], row["repeat"]) for row in read(tmp_path / "cells.csv")]
    assert written == [(r, m, n) for r in ("r1", "r2", "r10") for m in ("alpha", "beta") for n in ("0", "1")]


def test_columns_are_named_and_typed(tmp_path: Path) -> None:
    value: dict[str, Any] = {
        "verdict": "x",
        "score": 1.5,
        "deep": {"list": ["a", 1], "a.b": True},
        "empty": {},
        "none": None,
        "n": 3,
    }
    of = record(1, metadata={"year": 1999, "odd": "text"}, ground_truth={"label": True})
    other = record(2, metadata={"year": 2000, "odd": 5}, ground_truth=None)
    variant = {**VARIANT, "temperature": 0.5}
    cells = [cell(of, variant, value=value), cell(other, variant, status="failed")]
    write_cells(RunData.open(write_run(tmp_path, cells)))
    table: Any = pq.read_table(tmp_path / "cells.parquet")
    flattened = {
        "value.deep.\"a.b\"": "bool", "value.deep.list": "string", "value.empty": "string", "value.n": "int64",
        "value.score": "double", "value.verdict": "string", "metadata.odd": "string", "metadata.year": "int64",
        "ground_truth.label": "bool", "truth": "string",
    }  # fmt: skip
    assert table.column_names == [*IDENTITY_COLUMNS, "variant.temperature", *OUTCOME_COLUMNS, *flattened]
    types = {field.name: str(field.type) for field in table.schema}
    assert {name: types[name] for name in flattened} == flattened
    first, second = table.to_pylist()
    assert first["value.deep.list"] == '["a", 1]' and first["value.empty"] == "{}"
    assert second["metadata.odd"] == "5" and second["value.score"] is None
    assert second["error_kind"] == "RateLimited" and second["input_tokens"] == 0


def test_a_number_that_a_float_would_round_makes_its_column_text(tmp_path: Path) -> None:
    large = 2**53 + 1
    cells = [cell(record(n), VARIANT, value={"n": n, "x": value}) for n, value in ((large, large), (1, 0.5))]
    write_cells(RunData.open(write_run(tmp_path, cells)))
    rows: list[dict[str, Any]] = pq.read_table(tmp_path / "cells.parquet").to_pylist()
    assert {row["value.x"] for row in rows} == {str(large), "0.5"}
    assert {row["value.n"] for row in rows} == {large, 1}


def test_an_absurd_count_of_tokens_costs_no_tables(tmp_path: Path) -> None:
    odd, usual = call("a"), call("b")
    assert odd.reply
    usage = odd.reply.usage.model_copy(update={"input_tokens": 10**30, "output_tokens": 10**400})
    odd = odd.model_copy(update={"reply": odd.reply.model_copy(update={"usage": usage, "cost_usd": Decimal(10) ** 24})})
    cells = [cell(record(1), VARIANT, calls=[odd]), cell(record(2), VARIANT, calls=[usual])]
    derive(write_run(tmp_path, cells))
    rows: list[dict[str, Any]] = pq.read_table(tmp_path / "cells.parquet").to_pylist()
    assert [row["input_tokens"] > 10**29 for row in rows] == [True, False]
    assert len(read(tmp_path / "cells.csv")) == 2


def test_the_version_that_answered_is_named(tmp_path: Path) -> None:
    served = call("a")
    assert served.reply
    served = served.model_copy(update={"reply": served.reply.model_copy(update={"served_by": "model-2026-09"})})
    assert one_row(cell(record(1), VARIANT, calls=[served]), tmp_path)["served_by"] == "model-2026-09"


def test_an_unknown_price_is_empty_and_a_known_one_a_number(tmp_path: Path) -> None:
    known = cell(record(1), VARIANT, calls=[call("a", cost=Decimal("0.0012")), call("b", cost=Decimal("0.0003"))])
    unknown = cell(record(1), VARIANT, calls=[call("a"), call("b", cost=None)])
    assert one_row(known, tmp_path / "known")["cost_usd"] == "0.0015"
    assert one_row(unknown, tmp_path / "unknown")["cost_usd"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@sum(a)", "\tx", "\rx", "\nx", "＝1", "'x", "''", "-1+1", "--1"])
def test_text_that_a_spreadsheet_would_run_is_escaped_and_can_be_restored(text: str, tmp_path: Path) -> None:
    shown = escape_controls(text)
    assert escape_formula(text) == f"'{shown}"
    assert unescape_formula(escape_formula(text)) == shown
    row = one_row(cell(record(1, metadata={"note": text}), VARIANT, value={"verdict": text}), tmp_path)
    assert row["metadata.note"] == row["value.verdict"] == f"'{shown}"
    table: Any = pq.read_table(tmp_path / "cells.parquet")
    assert table.to_pylist()[0]["value.verdict"] == text


@pytest.mark.parametrize("value", [-1, -1.5, "-1", "+3.25", 0, True, "plain", "", "1-2", "a=b"])
def test_numbers_and_plain_text_stay_as_they_are(value: str | int | float | bool) -> None:
    assert unescape_formula(escape_formula(value)) == escape_formula(value)
    assert not escape_formula(value).startswith("'")


def test_no_control_character_reaches_a_csv_and_parquet_keeps_the_text(tmp_path: Path) -> None:
    text = "red \x1b[31m, bell \x07, null \x00, \x9b and \x7f\tand\r\na line\n"
    odd = record(1, metadata={"note": text, "a\x1bb": 1}, ground_truth={"label": "\x1b]0;x\x07"})
    derive(write_run(tmp_path, [cell(odd, {"criteria": "ordinary", "model": "m\x1b"}, value={"verdict": text})]))
    for path in tmp_path.glob("*.csv"):
        written = path.read_bytes().decode()
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", written), path.name
    [row] = read(tmp_path / "cells.csv")
    assert row["value.verdict"] == "red ␛[31m, bell ␇, null ␀, \ufffd and ␡\tand\na line\n"
    assert row['metadata."a\\u001bb"'] == "1"
    assert pq.read_table(tmp_path / "cells.parquet").to_pylist()[0]["value.verdict"] == text


def test_each_row_has_the_verdict_of_people_as_it_is_mapped(tmp_path: Path) -> None:
    cells = [cell(record(n), {"criteria": name, "model": "alpha"}) for n in (1, 2) for name in ("ordinary", "vaw")]
    unlabelled = cell(record(3, ground_truth={"label": "n/a"}), VARIANT)
    derive(write_run(tmp_path, [*cells, unlabelled], spec(truth={"ordinary": "label"})))
    rows = [(row["record_id"], row["criteria"], row["ground_truth.label"], row["truth"]) for row in _cells(tmp_path)]
    assert rows == [
        ("r1", "ordinary", "false", "allowed"), ("r1", "vaw", "false", ""), ("r2", "ordinary", "true", "violates"),
        ("r2", "vaw", "true", ""), ("r3", "ordinary", "n/a", ""),
    ]  # fmt: skip


def test_an_output_that_repeats_a_column_has_no_column_for_it(tmp_path: Path) -> None:
    [row] = _cells(derive(write_run(tmp_path / "same", [cell(record(1), VARIANT)])).data.folder)
    assert (row["model"], row["criteria"]) == ("alpha", "ordinary")
    assert not {"value.model", "value.criteria"} & row.keys() and row["value.verdict"] == "violates"
    other = cell(record(2), VARIANT, value=judgement(record(2), "allowed", "ordinary", "another"))
    first, second = _cells(derive(write_run(tmp_path / "other", [cell(record(1), VARIANT), other])).data.folder)
    assert (first["value.model"], second["value.model"]) == ("alpha", "another")
    assert "value.criteria" not in first


def _cells(folder: Path) -> list[dict[str, str]]:
    return read(folder / "cells.csv")


def test_names_of_models_cannot_be_formulas_in_the_head_of_the_wide_table(tmp_path: Path) -> None:
    derive(write_run(tmp_path, [cell(record(1), {"model": "=cmd"})]))
    assert (tmp_path / "verdicts.csv").read_text(encoding="utf-8").splitlines()[0] == "record_id,truth,'=cmd"


def test_the_last_wanted_round_of_a_loop_counts(tmp_path: Path) -> None:
    def turn(number: int, verdict: str | None, **more: Any) -> AgentTrace:
        value = judgement(record(1), verdict, "ordinary", "alpha") if verdict else None
        return cell(record(1), VARIANT, value=value, round=number, **more)

    skipped = write_run(tmp_path / "a", [turn(2, "allowed"), turn(3, None, status="skipped"), turn(1, "violates")])
    [row] = verdict_rows(RunData.open(skipped))
    assert (row.round, row.verdict) == (2, "allowed")
    failed = write_run(tmp_path / "b", [turn(1, "violates"), turn(2, None, status="failed")])
    [row] = verdict_rows(RunData.open(failed))
    assert (row.round, row.verdict, row.status) == (2, None, "failed")


def test_other_dimensions_distinguish_raters(tmp_path: Path) -> None:
    cells = [cell(record(1), {**VARIANT, "temperature": degree}) for degree in (0, 1)]
    folder = write_run(tmp_path, cells)
    assert [row.model for row in verdict_rows(RunData.open(folder))] == ["alpha, temperature=0", "alpha, temperature=1"]


@pytest.mark.parametrize(
    ("truth", "field", "expected"),
    [
        ({"label": True}, "label", "violates"),
        ({"label": 1}, "label", "one"),
        ({"label": 1.0}, "label", "one"),
        ({"label": 0.0}, "label", "0"),
        ({"label": "other"}, "label", "other"),
        ({"label": "  violates "}, "label", "violates"),
        ({"label": " "}, "label", None),
        ({"label": None}, "label", None),
        ({}, "label", None),
        (None, "label", None),
        ({"a": {"b": "x"}}, "a.b", "x"),
        ({"a.b": "y"}, "a.b", "y"),
        ({"a": {"b.c": "z"}}, "a.b.c", "z"),
        ({"a": "text"}, "a.b", None),
    ],
)
def test_ground_truth_is_read_as_a_verdict(truth: Any, field: str, expected: str | None, tmp_path: Path) -> None:
    flow = spec(truth={"ordinary": field}, labels={"true": "violates", "1": "one"})
    folder = write_run(tmp_path, [cell(record(1, ground_truth=truth), VARIANT)], flow)
    assert [row.truth for row in verdict_rows(RunData.open(folder))] == [expected]


def test_the_wide_table_has_a_column_for_each_judge_and_shows_failures(tmp_path: Path) -> None:
    derive(finished_run(tmp_path, records=3, repeats=2))
    lines = read(tmp_path / "verdicts.csv")
    criteria, models = ("ordinary", "vaw"), ("alpha", "beta", "gamma")
    judges = [f"{c} / {m}{again}" for c in criteria for m in models for again in ("", " #2")]
    assert list(lines[0]) == ["record_id", "truth", *judges]
    assert lines[0]["ordinary / alpha"] == "<refused>" and lines[1]["ordinary / gamma #2"] == "<failed>"
    assert lines[2]["ordinary / gamma"] == ""


def test_a_record_that_no_judge_was_asked_about_still_has_a_row(tmp_path: Path) -> None:
    cells = [cell(record(1), VARIANT), cell(record(2), {}, step="before", status="failed")]
    derive(write_run(tmp_path, cells))
    lines = read(tmp_path / "verdicts.csv")
    assert [(line["record_id"], line["truth"], line["ordinary / alpha"]) for line in lines] == [
        ("r1", "allowed", "violates"),
        ("r2", "violates", ""),
    ]


def test_criteria_given_as_text_are_distinguished(tmp_path: Path) -> None:
    cells = [cell(record(1), {**VARIANT, "criteria": text}) for text in ("Do no harm.", "Do no wrong.", "rule.md")]
    names = {row.criteria for row in verdict_rows(RunData.open(write_run(tmp_path, cells)))}
    assert len(names) == 3 and "rule" in names
    assert sum(name.startswith("literal ") for name in names) == 2


def test_pandas_reads_types_from_parquet(tmp_path: Path) -> None:
    derive(finished_run(tmp_path))
    cells: Any = pandas.read_parquet(tmp_path / "cells.parquet")
    assert cells["cost_usd"].dtype == "float64" and cells["metadata.year"].dtype == "int64"
    assert len(cells[cells["status"] == "completed"]) == 33


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run counts as a large one."""
    monkeypatch.setattr(derived, "SUBPROCESS_MIN_BYTES", 0)


@pytest.mark.usefixtures("large")
def test_a_large_run_has_the_same_tables_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    large, small = finished_run(tmp_path / "large"), finished_run(tmp_path / "small")
    derive(large)
    monkeypatch.undo()
    derive(small)
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (large, small)]
    assert contents[0] == contents[1]


@pytest.mark.usefixtures("large")
def test_a_torn_file_of_a_large_run_is_reported_too(tmp_path: Path) -> None:
    test_a_torn_file_is_reported_and_leaves_no_tables(tmp_path)


@pytest.mark.usefixtures("large")
def test_an_error_while_tables_of_a_large_run_are_written_is_reported(tmp_path: Path) -> None:
    folder = finished_run(tmp_path)
    (folder / "cells.csv").mkdir()
    with pytest.raises(RunError, match=r"tables of cells could not be written: .*cells\.csv"):
        derive(folder)


def test_a_row_names_only_what_there_is() -> None:
    assert None not in cell_row(cell(record(1), VARIANT, status="skipped")).values()


def _link_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["manifest.json", "answers.jsonl"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, _link_device])
def test_what_is_no_regular_file_is_refused_instead_of_waited_for(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    folder = write_run(tmp_path / "run", [cell(record(0), VARIANT)])
    (folder / name).unlink()
    make(folder / name)
    with pytest.raises(RunError, match="no regular file"):
        RunData.open(folder)
    if name == "answers.jsonl":
        with pytest.raises(RunError, match="no regular file"):
            list(read_traces(folder / name))
