"""XLSX, Parquet, PDF and pictures: typed values stay as they are, and empty or invalid values become None."""

from __future__ import annotations

import base64
import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StorageError
from contract.record import MAX_IMAGE_BYTES
from tests.storage.pictures import GIF, JPEG, PNG, WEBP
from tests.storage.read_records import read_records
from tests.storage.workbooks import Date, Error, write_workbook


def test_a_sheet_of_a_workbook(tmp_path: Path) -> None:
    rows = [
        [],
        [None, "id", "text", "year", "when", "at", "label", "share", None, "seen"],
        [None, 3, "hello  ", 1999.0, Date(45000), Date(45000.5), Error("#N/A"), 0.25, None, True],
        [],
        [None, 4, Error("#REF!"), 1, None, None, 1, None, None, None],
        [None, Error("#NAME?"), "text", 1, None, None, 1, None, None, None],
        [None, 12345678901234567890.0, "an id that Excel rounded", 1, None, None, 0, None, None, None],
        [None, "x", "labels as pandas writes them", None, None, None, "NA", None, None, None],
    ]
    path = write_workbook(tmp_path / "a.xlsx", {"Notes & more": [["nothing"]], "Posts": rows})
    found, rejects = read_records(path, sheet="Posts", columns={"ground_truth.violating": "label"})
    assert [(record.record_id, record.text) for record in found] == [
        ("3", "hello  "),
        ("x", "labels as pandas writes them"),
    ]
    expected = {"year": 1999, "when": "2023-03-15", "at": "2023-03-15T12:00:00", "share": 0.25, "seen": True}
    assert dict(found[0].metadata) == expected
    assert isinstance(found[0].metadata["year"], int)
    assert [dict(record.ground_truth or {}) for record in found] == [{"violating": None}] * 2
    assert [(reject.line, reject.reason) for reject in rejects] == [
        (5, "`text` is the formula error #REF!"),
        (6, "`record_id` is the formula error #NAME?"),
        (7, "the id 1.23457e+19 was rounded where the file was made; write ids as text there"),
    ]


def test_the_first_sheet_and_a_wrong_one(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"Posts": [["id", "text"], ["1", "x"]], "Other": []})
    assert read_records(path)[0][0].text == "x"
    with pytest.raises(StorageError, match=r"no sheet 'Post'; did you mean 'Posts'\?; there are Other, Posts"):
        read_records(path, sheet="Post")
    with pytest.raises(StorageError, match="no rows"):
        read_records(path, sheet="Other")
    path.write_bytes(b"no workbook")
    with pytest.raises(StorageError, match="not a whole XLSX file"):
        read_records(path)


def test_parquet_with_nested_and_typed_columns(tmp_path: Path) -> None:
    import pyarrow as pa  # type: ignore[reportMissingTypeStubs]
    import pyarrow.parquet as pq  # type: ignore[reportMissingTypeStubs]

    columns: dict[str, Any] = {
        "id": [1, 2, 3],
        "doc": [{"body": "first", "tags": ["a", "b"]}, {"body": None, "tags": []}, {"body": "third", "tags": None}],
        "score": [1.5, 2.0, math.nan],
        "price": [Decimal("1.10"), Decimal("2.00"), None],
        "day": [date(2020, 1, 2), None, None],
        "at": [datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC), None, None],
        "raw": [b"\x00\x01", None, None],
    }
    table: Any = pa.table(columns)  # type: ignore[reportUnknownMemberType]
    pq.write_table(table, tmp_path / "a.parquet")  # type: ignore[reportUnknownMemberType]
    found, rejects = read_records(
        tmp_path / "a.parquet",
        columns={"text": "doc.body", "ground_truth.score": "score", "metadata.tag": "doc.tags.0"},
    )
    assert [(record.record_id, record.text) for record in found] == [("1", "first"), ("3", "third")]
    first = found[0].model_dump(mode="json")["metadata"]
    assert first == {
        "doc": {"tags": ["a", "b"]},
        "tag": "a",
        "price": 1.1,
        "day": "2020-01-02",
        "at": "2020-01-02T03:04:05+00:00",
        "raw": base64.b64encode(b"\x00\x01").decode(),
    }
    assert [dict(record.ground_truth or {}) for record in found] == [{"score": 1.5}, {"score": None}]
    assert [(reject.line, "empty" in reject.reason) for reject in rejects] == [(2, True)]
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not Parquet PAR1")
    with pytest.raises(StorageError, match="cannot be read as Parquet"):
        read_records(tmp_path / "a.parquet")


def test_pdfs_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "paper.pdf").write_bytes(pdf("A first page.", "And a second."))
    (tmp_path / "scan.pdf").write_bytes(pdf(""))
    (tmp_path / "torn.pdf").write_bytes(pdf("x")[:40])
    (tmp_path / "locked.pdf").write_bytes(_locked())
    found, rejects = read_records(tmp_path)
    [paper] = found
    assert (paper.record_id, paper.title, paper.text) == ("paper", "A Title", "A first page.\n\nAnd a second.")
    assert dict(paper.metadata) == {"pages": 2}
    reasons = {Path(reject.source).name: reject.reason for reject in rejects}
    assert "locked with a password" in reasons["locked.pdf"]
    assert "holds no text" in reasons["scan.pdf"]
    assert "ocrmypdf --skip-text 'scan.pdf' 'scan.pdf'" in reasons["scan.pdf"]
    assert "is broken" in reasons["torn.pdf"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_numbers_that_are_not_finite(tmp_path: Path, name: str) -> None:
    rows = [
        '{"id": 1, "text": "x", "n": NaN, "ground_truth": {"a": NaN, "b": [Infinity, 1]}}',
        '{"id": 2, "text": NaN}',
        '{"id": NaN, "text": "y"}',
        '{"id": 3, "text": "z", "n": -Infinity, "big": 123456789012345678901234567890}',
    ]
    path = tmp_path / name
    path.write_text("\n".join(rows) if name == "a.jsonl" else f"[{','.join(rows)}]")
    found, rejects = read_records(path)
    assert [record.record_id for record in found] == ["1", "3"]
    assert found[0].model_dump(mode="json")["ground_truth"] == {"a": None, "b": [None, 1]}
    assert found[0].metadata["n"] is None and found[1].metadata["n"] is None
    assert found[1].metadata["big"] == 123456789012345678901234567890
    assert [reject.reason for reject in rejects] == [
        "`text` is nan, which is not a number",
        "`record_id` is nan, which is not a number",
    ]


def test_missing_labels_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text,label,note\n1,NA,nan,nan\n2,nan,NaN,NA\n3,c,NA,\n4,d,,x\n5,e,0,x\n6,f,None,x\n")
    found, rejects = read_records(path, columns={"ground_truth.violating": "label"})
    assert not rejects
    assert [record.text for record in found[:2]] == ["NA", "nan"], "a text stays what it is"
    assert [(record.ground_truth or {})["violating"] for record in found] == [None, None, None, None, "0", "None"]
    assert [record.metadata["note"] for record in found[:2]] == ["nan", "NA"]


def test_pictures_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    for name, content in {"a.png": PNG, "b.dat": JPEG, "c.gif": GIF, "d.webp": WEBP, "e.png": b"no picture"}.items():
        (tmp_path / "pics" / name).write_bytes(content)
    (tmp_path.parent / "outside.png").write_bytes(PNG)
    (tmp_path / "pics" / "link.png").symlink_to(tmp_path.parent / "outside.png")
    with (tmp_path / "pics" / "huge.png").open("wb") as file:
        file.write(PNG)
        file.truncate(MAX_IMAGE_BYTES + 1)
    cells = [
        "pics/a.png",
        "pics/b.dat; pics/c.gif;pics/d.webp",
        "../outside.png",
        "pics/link.png",
        "https://e.org/a.png",
        "pics/none.png",
        "pics/e.png",
        "pics/huge.png",
        "",
    ]
    lines = "".join(f"{number},,{cell},what it shows\n" for number, cell in enumerate(cells))
    (tmp_path / "a.csv").write_text(f"id,text,picture,caption\n{lines}")
    found, rejects = read_records(tmp_path / "a.csv", columns={"images": "picture", "alt_text": "caption"})
    assert [[image.mime for image in record.images] for record in found] == [
        ["image/png"],
        ["image/jpeg", "image/gif", "image/webp"],
    ]
    assert base64.b64decode(found[0].images[0].data or "") == PNG
    assert [image.alt_text for image in found[1].images] == ["what it shows", None, None]
    parts = [
        "outside the folder", "outside the folder", "download it first", "there is no picture 'pics/none.png'",
        "neither PNG", "larger than 20 MB", "the record is empty",
    ]  # fmt: skip
    for part, reject in zip(parts, rejects, strict=True):
        assert part in reject.reason


def test_pictures_of_json_with_a_text_each(tmp_path: Path) -> None:
    (tmp_path / "a;b.png").write_bytes(PNG)
    rows = [
        {"id": "1", "images": ["a;b.png", "a;b.png"], "alt": ["one", "two"]},
        {"id": "2", "images": "a;b.png", "alt": ["one", "two"]},
        {"id": "3", "images": [{"uri": "a;b.png", "alt_text": "mine"}], "alt": None},
        {"id": "4", "images": [{"uri": "http://e.org/x.png", "mime": "image/png"}]},
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found, rejects = read_records(tmp_path / "a.jsonl", columns={"alt_text": "alt"})
    assert [[image.alt_text for image in record.images] for record in found] == [["one", "two"], ["mine"]]
    assert "`alt_text` holds 2 texts, but `images` 1" in rejects[0].reason
    assert "download it first" in rejects[1].reason


def test_a_mapped_part_of_a_nested_value_leaves_its_other_parts_in_place(tmp_path: Path) -> None:
    row = {"id": "1", "doc": {"body": "x", "by": "Ann"}, "name": {"first": "no title"}, "code": {"a": {"b": 1}}}
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    columns = {"text": "doc.body", "ground_truth.coded.first": "code.a.b"}
    [record] = read_records(tmp_path / "a.jsonl", columns=columns)[0]
    shown = record.model_dump(mode="json")
    assert shown["metadata"] == {"doc": {"by": "Ann"}, "name": {"first": "no title"}}
    assert shown["ground_truth"] == {"coded": {"first": 1}}
    assert record.title is None


def pdf(*pages: str) -> bytes:
    """A PDF with a page for each text."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number, text in enumerate(pages):
        content = f"BT /F1 12 Tf 20 100 Td ({text}) Tj ET"
        resources = "<</Font<</F1 3 0 R>>>>"
        objects += [
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Resources{resources}/Contents {5 + 2 * number} 0 R>>",
            f"<</Length {len(content)}>>\nstream\n{content}\nendstream",
        ]
    objects.append("<</Title(A Title)>>")
    made, places = b"%PDF-1.4\n", list[int]()
    for number, content in enumerate(objects, start=1):
        places.append(len(made))
        made += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"<</Size {len(objects) + 1}/Root 1 0 R/Info {len(objects)} 0 R>>"
    return (
        made
        + (
            f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n{trailer}\nstartxref\n{len(made)}\n%%EOF"
        ).encode()
    )


def test_the_pages_of_a_pdf_have_the_labels_of_the_document(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter
    from pypdf.constants import PageLabelStyle

    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf("Preface", "Thanks.", "One.", "Two."))))
    writer.set_page_label(0, 1, style=PageLabelStyle.LOWERCASE_ROMAN)
    writer.set_page_label(2, 3, style=PageLabelStyle.DECIMAL, start=101)
    writer.write(tmp_path / "labelled.pdf")
    (tmp_path / "plain.pdf").write_bytes(pdf("Preface", "", "One."))
    (labelled, plain), _ = read_records(tmp_path)
    assert [one.name for one in labelled.locators] == ["p. i", "p. ii", "p. 101", "p. 102"]
    assert [labelled.text[one.start :].split()[0] for one in labelled.locators] == [
        "Preface",
        "Thanks.",
        "One.",
        "Two.",
    ]
    assert [one.name for one in plain.locators] == ["PDF p. 1", "PDF p. 3"]


def test_pages_of_a_pdf_that_are_pictures_are_told_with_the_command_that_reads_them(tmp_path: Path) -> None:
    from pypdf import PdfReader, PdfWriter
    from pypdf.generic import DictionaryObject, NameObject

    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf("Read.", "", "", "", "Too."))))
    for at in (1, 2):
        picture = DictionaryObject({NameObject("/Subtype"): NameObject("/Image")})
        found = DictionaryObject({NameObject("/XObject"): DictionaryObject({NameObject("/Im0"): picture})})
        writer.pages[at][NameObject("/Resources")] = found
    writer.write(tmp_path / "letters.pdf")
    [record], [reject] = read_records(tmp_path)
    assert record.text == "Read.\n\nToo."
    assert "2 of its 5 pages are pictures without text" in reject.reason and "(PDF pages 2-3)" in reject.reason
    assert "ocrmypdf --skip-text 'letters.pdf' 'letters.pdf'" in reject.reason


def _locked() -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf("secret"))))
    writer.encrypt("password", algorithm="RC4-128")
    out = BytesIO()
    writer.write(out)
    return out.getvalue()
