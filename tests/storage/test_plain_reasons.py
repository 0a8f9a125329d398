"""What is said of a value that cannot be read is said in the words of scholars, and not in those of a library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main


def said(path: Path, capsys: pytest.CaptureFixture[str], code: int = 2) -> str:
    assert main(["check", "+flows=judger", f"records={path}"]) == code
    shown = capsys.readouterr()
    return " ".join((shown.out + shown.err).split())


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("long.json", '[{"id": "1", "text": "Go", "n": ' + "9" * 5000 + "}]", "a number has too many digits"),
        ("deep.json", "[" * 100_000, "lists or objects are nested too deeply"),
        ("cut.jsonl", '{"id": "1" "text": "Go"}\n', "not JSON: Expecting ',' delimiter (character 12)"),
        ("long.jsonl", '{"id": "1", "text": "Go", "n": ' + "9" * 5000 + "}\n", "a number has too many digits"),
    ],
)
def test_json(tmp_path: Path, name: str, text: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    shown = said(tmp_path / name, capsys)
    assert reason in shown
    assert "sys." not in shown and "recursion" not in shown


@pytest.mark.parametrize("kind", ["date32", "timestamp", "duration", "list"])
def test_a_date_of_parquet_beyond_year_9999(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    pa: Any = pytest.importorskip("pyarrow")
    from pyarrow import parquet  # type: ignore[reportMissingTypeStubs]

    days: Any = {
        "date32": lambda: pa.array([10**7, 3], pa.date32()),
        "timestamp": lambda: pa.array([2**50, 3], pa.timestamp("s")),
        "duration": lambda: pa.array([2**62, 3], pa.duration("s")),
        "list": lambda: pa.array([[10**7], [3]], pa.list_(pa.date32())),
    }[kind]()
    table = pa.table({"id": ["1", "2"], "text": ["Go away", "The ferry"], "day": days})
    parquet.write_table(table, tmp_path / "a.parquet")  # type: ignore[reportUnknownMemberType]
    shown = said(tmp_path / "a.parquet", capsys, code=0)
    assert "of the 2 rows 1 can be read, 1 cannot" in shown
    assert "the value of `day` cannot be read: it is a time or a date beyond what can be read" in shown
