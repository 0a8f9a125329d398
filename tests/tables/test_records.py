"""Records beside the cells: the columns that a run asks for, people's verdicts, and what the columns mean."""

from __future__ import annotations

# PyArrow and pandas have no types here.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
import json
from pathlib import Path
from typing import Any

import pandas
import pyarrow.parquet as pq
import pytest
from pydantic import TypeAdapter, ValidationError

from agents.base.registry import installed_agents, load_agent
from contract.messages import AgentTrace
from contract.run import RunSettings
from contract.storage import FileStorage, StorageConfig
from flows.run_folder.derive import derive
from flows.tables.column_meanings import OUTPUT_FIELDS
from tests.support.traces import cell, record, spec, write_run

VARIANT: dict[str, Any] = {"criteria": "ordinary", "model": "alpha"}


def derived(folder: Path, cells: list[AgentTrace], **manifest: Any) -> Path:
    """A run's folder whose manifest says that too, and its tables."""
    write_run(folder, cells, spec(resamples=5))
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **manifest}), encoding="utf-8")
    derive(folder)
    return folder


def test_records_are_joined_in_one_line(tmp_path: Path) -> None:
    records = [record(number, title=f"Letter {number}", metadata={"year": 1900 + number}) for number in (1, 2, 10)]
    cells = [cell(one, {**VARIANT, "model": model}) for one in records for model in ("m", "n")]
    folder = derived(tmp_path, cells, record_columns=["title", "text", "metadata"])
    cells_table, found = pandas.read_csv(folder / "cells.csv"), pandas.read_csv(folder / "records.csv")
    assert list(found.columns) == ["record_id", "title", "text", "metadata.year"]
    assert list(found["title"]) == ["Letter 1", "Letter 2", "Letter 10"]
    joined: Any = cells_table.merge(found[["record_id", "title", "text"]], on="record_id")
    assert len(joined) == 6 and set(joined["title"]) == {"Letter 1", "Letter 2", "Letter 10"}
    assert pq.read_table(folder / "records.parquet").to_pylist()[2]["metadata.year"] == 1910


def test_what_is_masked_is_in_no_table(tmp_path: Path) -> None:
    of = record(1, text="a secret text", metadata={"author": {"name": "Ada Secret"}, "a.b": "secret too", "year": 1900})
    masked = ["text", "metadata.author", "metadata.a.b"]
    folder = derived(tmp_path, [cell(of, VARIANT)], record_columns=["text", "metadata"], masked=masked)
    for name in ("records.csv", "cells.csv"):
        text = (folder / name).read_text(encoding="utf-8")
        assert "ecret" not in text.replace("metadata.", "") and "<masked>" in text and "1900" in text
    assert b"Ada Secret" not in (folder / "records.parquet").read_bytes() + (folder / "cells.parquet").read_bytes()


def test_no_column_asked_for_is_no_table(tmp_path: Path) -> None:
    folder = derived(tmp_path, [cell(record(1), VARIANT)])
    assert not (folder / "records.csv").exists() and not (folder / "records.parquet").exists()


def test_a_wrong_column_is_named_with_the_right_ones() -> None:
    with pytest.raises(ValidationError, match=r"'metdata\.year' is no field of a record; write title, text"):
        RunSettings.model_validate({"record_columns": ["title", "metdata.year"]})
    with pytest.raises(ValidationError, match=r"'title\.first' is no field"):
        FileStorage.model_validate({"path": "x.csv", "masked": ["title.first"]})
    plain: Any = TypeAdapter(StorageConfig).validate_python({"type": "file", "path": "x.csv"})
    assert "masked" not in plain.model_dump(mode="json")


def test_every_column_of_a_run_is_described(tmp_path: Path) -> None:
    odd = {"a|b": 1, "`tick`": 2, "line\nend": 3}
    folder = derived(
        tmp_path, [cell(record(1, metadata=odd), {**VARIANT, "temperature": 0.5})], record_columns=["title", "metadata"]
    )
    text = (folder / "columns.md").read_text(encoding="utf-8")
    assert text.index("This folder is an export: Prefect holds") < text.index("# Columns of the tables")
    for table in folder.glob("*.csv"):
        part = text.split(f"## {table.name}")[1].split("\n## ")[0]
        rows = [line for line in part.splitlines() if line.startswith("|")][2:]
        assert len(rows) == len(pandas.read_csv(table).columns), table.name
        assert all(row.removesuffix(" |").rpartition(" | ")[2] for row in rows)
        assert not any(row.endswith("|  |") for row in rows), rows
    assert "`metadata.a\\|b`" in text and "`` metadata.`tick` ``" in text and '`metadata."line\\nend"`' in text


def test_every_field_of_an_output_is_described() -> None:
    ours = {name: entry for name, entry in installed_agents().items() if entry.value.startswith("agents.")}
    fields = {field for name in ours for field in load_agent(name).Output.model_fields}
    assert fields == set(OUTPUT_FIELDS)


@pytest.mark.parametrize("sign", ["\x1b", "\x00", "\x08", "\r", "\x7f", "\x9b"])
def test_no_control_character_reaches_a_csv(sign: str, tmp_path: Path) -> None:
    of = record(1, title=f"a{sign}[31mb", metadata={f"na{sign}me": f"va{sign}lue"}) if sign != "\x00" else record(1)
    value = {"verdict": f"ve{sign}rdict", "conclusion": f"{sign}x"}
    folder = derived(tmp_path, [cell(of, {"model": f"mo{sign}del"}, value=value)], record_columns=["title", "metadata"])
    for table in folder.glob("*.csv"):
        written = table.read_bytes().decode("utf-8").replace("\r\n", "\n")
        assert sign not in written, table.name
    assert pq.read_table(folder / "cells.parquet").to_pylist()[0]["value.verdict"] == f"ve{sign}rdict"
