"""Sources as scholars have them: good, odd and broken ones."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from contract.errors import StorageError
from contract.storage import FileStorage
from flows.storage.reader import read_source
from tests.storage.read_records import read_records


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def test_jsonl_with_usual_names(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "content": "words",
        "ground_truth": {"violating": True},
        "metadata": {"a": 1},
        "url": "u",
        "by": "me",
    }
    found, rejects = read_records(_write(tmp_path / "a.jsonl", json.dumps(row) + "\n"))
    assert not rejects
    assert found[0].record_id == "7"
    assert found[0].text == "words"
    assert found[0].uri == "u"
    assert dict(found[0].metadata) == {"a": 1, "by": "me"}
    assert found[0].ground_truth is not None
    assert found[0].ground_truth["violating"] is True


def test_every_bad_row_is_reported_with_its_line(tmp_path: Path) -> None:
    lines = [
        b'{"id": "1", "text": "good"}',
        b'{"id": "2", "text": ',
        b"",
        b'{"id": "3", "text": "  "}',
        b'{"id": "1", "text": "again"}',
        b'{"id": "4", "text": "a\\u0000b"}',
        b'{"id": "5", "text": "caf\xe9"}',
        b'["not", "an object"]',
        b'{"id": "6", "text": "half \\ud83d"}',
        b'{"id": "7", "text": "good too"}',
    ]
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b"\n".join(lines))
    found, rejects = read_records(path)
    assert [record.record_id for record in found] == ["1", "7"]
    assert [reject.line for reject in rejects] == [2, 4, 5, 6, 7, 8, 9]
    reasons = [reject.reason for reject in rejects]
    for part, reason in zip(
        ["not JSON", "empty", "'1' was there before", "null byte", "not utf-8", "list", "half of a character"],
        reasons,
        strict=True,
    ):
        assert part in reason


def test_csv_from_excel(tmp_path: Path) -> None:
    text = 'id;Text;Year\r\n1;"two; three\r\nlines";1999\r\n2;only two cells\r\n3;"x"y;2000\r\n4;last;2001\r\n'
    found, rejects = read_records(_write(tmp_path / "a.csv", "\ufeff" + text))
    assert [(record.record_id, record.text) for record in found] == [("1", "two; three\r\nlines"), ("4", "last")]
    assert found[0].metadata["Year"] == "1999"
    assert [reject.line for reject in rejects] == [4, 5]
    assert "2 cells, but there are 3 columns" in rejects[0].reason


def test_csv_in_another_encoding(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "id,text\n1,café\n2,tea\n", "cp1252")
    found, rejects = read_records(path)
    assert [record.text for record in found] == ["tea"]
    assert "cp1252" in rejects[0].reason
    assert read_records(path, encoding="cp1252")[0][0].text == "café"


def test_tsv_and_mapped_columns(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tsv", 'nr\tbody\tauthor\tcode\n1\thello\tAnn\t{"violating": true}\n')
    columns = {"record_id": "nr", "text": "body", "metadata.by": "author", "ground_truth": "code"}
    found, _ = read_records(path, columns=columns)
    assert found[0].record_id == "1"
    assert dict(found[0].metadata) == {"by": "Ann"}
    assert found[0].ground_truth is not None
    assert found[0].ground_truth["violating"] is True


def test_nested_columns_and_sections(tmp_path: Path) -> None:
    row = {"doc": {"key": "k", "parts": {"facts": "F."}}, "sections": {"reasons": "R."}}
    columns = {"record_id": "doc.key", "sections.facts": "doc.parts.facts"}
    found, _ = read_records(_write(tmp_path / "a.jsonl", json.dumps(row)), columns=columns)
    assert dict(found[0].sections) == {"facts": "F.", "reasons": "R."}


@pytest.mark.parametrize("shape", ["[%s]", '{"records": [%s]}', '{"version": {"items": 1}, "data": [%s]}'])
def test_json_arrays(tmp_path: Path, shape: str) -> None:
    text = shape % '{"id": "a", "text": "x", "n": 1.5}, 3, {"id": "b", "text": "y"}'
    found, rejects = read_records(_write(tmp_path / "a.json", text))
    assert [record.record_id for record in found] == ["a", "b"]
    assert found[0].metadata["n"] == 1.5
    assert rejects[0].line == 2


def test_one_json_object_is_one_record(tmp_path: Path) -> None:
    found, _ = read_records(_write(tmp_path / "a.json", '{"id": "a", "text": "x", "tags": ["one"]}'))
    assert found[0].metadata["tags"] == ("one",)


def test_folder_of_documents(tmp_path: Path) -> None:
    _write(tmp_path / "b.txt", "plain")
    (tmp_path / "sub").mkdir()
    _write(tmp_path / "sub" / "a.md", "---\ntitle: T\ndate: 2020-01-02\n---\n# Heading\n\nBody")
    _write(tmp_path / "c.pdf", "%PDF")
    _write(tmp_path / ".hidden", "x")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to("/bin/sh")
    found, rejects = read_records(tmp_path)
    assert [record.record_id for record in found] == ["b", "sub/a"]
    assert found[1].title == "T"
    assert found[1].metadata["date"] == "2020-01-02"
    assert found[1].text.endswith("Body")
    assert [Path(reject.source).name for reject in rejects] == ["c.pdf"]


def test_rows_without_ids_get_stable_ones(tmp_path: Path) -> None:
    first, _ = read_records(_write(tmp_path / "a.csv", "text\nx\nx\ny\n"))
    second, _ = read_records(_write(tmp_path / "b.csv", "text\nnew\nx\nx\ny\n"))
    assert len({record.record_id for record in first}) == 3
    assert [record.record_id for record in second][1:] == [record.record_id for record in first]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", "", "no rows"),
        ("a.jsonl", "{broken\n", "no row could be read"),
        ("a.json", "[{broken", "not valid JSON"),
        ("a.csv", "id,id\n1,2\n", "same name"),
        ("a.csv", "", "no rows"),
        ("a.doc", "x", "a text of Word"),
    ],
)
def test_unreadable_sources_are_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(StorageError, match=message):
        read_records(_write(tmp_path / name, text))


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.csv", "id,text\n1,x\n")
    with pytest.raises(StorageError, match="no record field: texts"):
        read_records(path, columns={"texts": "text"})
    with pytest.raises(StorageError, match="no encoding"):
        read_records(path, encoding="utf-9")
    with pytest.raises(StorageError, match=r"no row could be read.*body"):
        read_records(path, columns={"text": "body"})
    with pytest.raises(StorageError, match="there is no file"):
        read_records(tmp_path / "missing.csv")


@pytest.mark.parametrize("name", ["big.jsonl", "big.json", "big.csv"])
def test_memory_stays_flat(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = [{"id": str(number), "text": "word " * 2000} for number in range(2000)]
    if name.endswith("jsonl"):
        path.write_text("\n".join(json.dumps(row) for row in rows))
    elif name.endswith("json"):
        path.write_text(json.dumps(rows))
    else:
        path.write_text("id,text\n" + "\n".join(f"{row['id']},{row['text']}" for row in rows))
    del rows
    tracemalloc.start()
    count = sum(1 for _ in read_source(FileStorage(path=path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 2000
    assert peak < path.stat().st_size / 4
