"""What used to end in a traceback: each ends in the sentence, and the exit code, that every other mistake has."""

from __future__ import annotations

import errno
import os
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from agents.llms.models_file import read_models
from agents.prompting.criteria import Criteria
from contract.errors import ButtermilkError, StorageError
from contract.storage import FileStorage
from flows.cli.main import main
from flows.files.run_data import RunData
from flows.storage.reader import read_source
from flows.storage.rows import Reject
from tests.compose.tiny_study import FLOW, problems_of, write_study
from tests.storage.workbooks import write_workbook


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    return write_workbook(tmp_path / "a.xlsx", {"posts": [["id", "text"], ["1", "One " * 200]]})


def _refusal(path: Path) -> str:
    with pytest.raises(StorageError) as caught:
        list(read_source(FileStorage(path=path)))
    return str(caught.value)


def test_a_workbook_with_a_damaged_part(workbook: Path) -> None:
    data = bytearray(workbook.read_bytes())
    with zipfile.ZipFile(workbook) as archive:
        part = archive.getinfo("xl/workbook.xml")
    start = part.header_offset + 30 + len(part.filename)
    data[start : start + 8] = b"\xff" * 8
    workbook.write_bytes(data)
    assert "is not a whole XLSX file" in _refusal(workbook)


def test_a_workbook_packed_in_a_way_that_is_not_known(workbook: Path) -> None:
    data = workbook.read_bytes()
    for header, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        pieces = data.split(header)
        data = header.join([pieces[0], *(piece[: at - 4] + b"\x63\x00" + piece[at - 2 :] for piece in pieces[1:])])
    workbook.write_bytes(data)
    assert "is not a whole XLSX file" in _refusal(workbook)


def test_a_date_beyond_the_year_9999_costs_its_own_row_alone(tmp_path: Path) -> None:
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    days = arrow.array([1, 5_000_000, 3], type=arrow.date32())
    parquet.write_table(arrow.table({"text": ["a", "b", "c"], "day": days}), tmp_path / "a.parquet")
    found = list(read_source(FileStorage(path=tmp_path / "a.parquet")))
    assert [isinstance(one, Reject) for one in found] == [False, True, False]
    assert "a.parquet:2: the value of `day` cannot be read" in str(found[1])


def test_a_time_in_a_zone_that_there_is_not_costs_its_own_row_alone(tmp_path: Path) -> None:
    arrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    times = arrow.array([1, None], type=arrow.timestamp("s", "Nowhere/Land"))
    parquet.write_table(arrow.table({"text": ["a", "b"], "at": times}), tmp_path / "a.parquet")
    refused, read = read_source(FileStorage(path=tmp_path / "a.parquet"))
    assert "a.parquet:1: the value of `at` cannot be read: there is no time zone 'Nowhere/Land'" in str(refused)
    assert not isinstance(read, Reject)


@pytest.mark.parametrize(
    "argument", ["budget=1e999", "budget=inf", "budget=nan", "run.timeout_seconds=inf", "run.retry_delay_seconds=.inf"]
)
def test_a_number_that_is_none(tmp_path: Path, argument: str) -> None:
    [problem] = problems_of(write_study(tmp_path / "my_study", {}), argument)
    assert argument in problem.where


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(f"description: {'[' * 50_000}", "nested more than 100 deep", id="brackets without end"),
        pytest.param(f"description: \n {'- ' * 50_000}a", "nested more than 100 deep", id="lists in lists"),
        ("description: {about: Go on?}", "should be text"),
        ("description: {? [a]: b}", "cannot be read as YAML"),
        ("description: {[a, b]: c}", "cannot be read as YAML"),
        ("description: !!int many", "cannot be read"),
        ("description: .nan", "is too large, or none"),
    ],
)
def test_yaml_that_another_reader_would_take(tmp_path: Path, line: str, message: str) -> None:
    flow = FLOW.replace("description: A question, a search, an answer.", line)
    problems = problems_of(write_study(tmp_path / "my_study", {"flows/mine.yaml": flow}))
    assert any(message in problem.what and "flows/mine.yaml:" in problem.where for problem in problems), problems


def test_a_device_in_place_of_a_file_of_the_study(tmp_path: Path) -> None:
    folder = write_study(tmp_path / "my_study", {})
    (folder / "flows" / "mine.yaml").unlink()
    (folder / "flows" / "mine.yaml").symlink_to("/dev/zero")
    assert any("flows/mine.yaml" in problem.where for problem in problems_of(folder))


def test_a_full_disk_ends_the_command_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results/replies/ab")

    def ignore_signal(*_: object) -> None:
        return

    monkeypatch.setattr("flows.cli.main._dispatch", fail)
    monkeypatch.setattr("signal.signal", ignore_signal)
    assert main(["check"]) == 3
    assert (
        capsys.readouterr().err
        == "results/replies/ab: the disk is full; make room on it, and the same command goes on from what is kept\n"
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("models.json", '{"m": {"kind": "hosted", "provider": "no"\u2028}}'),
        ("criteria/mine.md", "---\nretrieved: 2020-02-31\n---\nDo no harm.\n"),
        ("criteria/mine.md", "---\n[a, b]: 1\n---\nDo no harm.\n"),
    ],
)
def test_what_a_longer_fuzz_found(tmp_path: Path, name: str, text: str) -> None:
    folder = write_study(tmp_path / "my_study", {name: text})
    with pytest.raises(ButtermilkError):
        read_models(folder / name) if name == "models.json" else Criteria([folder]).get("mine")


def test_a_document_with_a_date_that_is_none_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ndate: 2020-02-31\n---\nA text.\n")
    [record] = read_source(FileStorage(path=tmp_path / "a.md"))
    assert not isinstance(record, Reject) and "A text." in record.text


def test_a_manifest_of_a_thousand_brackets(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("[" * 100_000)
    with pytest.raises(ButtermilkError, match=r"manifest\.json cannot be read"):
        RunData.open(tmp_path)
