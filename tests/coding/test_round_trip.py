"""Answers given elsewhere: our workbook and table, Label Studio, doccano; what cannot be taken is told."""

from __future__ import annotations

import csv
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from python_calamine import load_workbook  # type: ignore[reportUnknownVariableType]

from flows.cli.main import main
from flows.coding.answer_log import read_answers
from flows.coding.workbook import FIRST_OPEN, HEADS
from tests.support.coding import make_coding


def change_workbook(path: Path, changes: dict[str, dict[int, dict[str, str]]]) -> None:
    """Fills in cells as a spreadsheet program would, and saves the workbook anew: sheet -> row -> column -> text."""
    from xlsxwriter import Workbook  # type: ignore[reportMissingTypeStubs]

    book = load_workbook(str(path))
    sheets = {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}
    with Workbook(str(path)) as out:
        for name, rows in sheets.items():
            sheet: Any = out.add_worksheet(name)  # type: ignore[reportUnknownMemberType]
            for number, row in enumerate(rows, start=1):
                own = changes.get(name, {}).get(number, {})
                for column, cell in enumerate(row):
                    head = HEADS[column] if name != "Criteria" else ""
                    sheet.write_string(number - 1, column, own.get(head, str(cell)))


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["code", *words])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a coding, found from the current one."""
    monkeypatch.chdir(tmp_path)
    make_coding(tmp_path / "coding" / "study")
    return tmp_path / "coding" / "study"


def test_a_workbook_goes_out_and_comes_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "export", "coding.xlsx")
    assert code == 0 and "a sheet for ana, ben" in out
    book = load_workbook("coding.xlsx")
    assert book.sheet_names == ["Criteria", "ana", "ben"]
    rows = book.get_sheet_by_name("ana").to_python()
    assert len(rows) == 6 and rows[0] == list(HEADS) and "r1" not in [cell for row in rows for cell in row]
    change_workbook(Path("coding.xlsx"), {
        "ana": {
            2: {"verdict": "Rude ", "reason": "=1+1", "quotations": "which says something\nThis is"},
            3: {"verdict": "cannot decide", "criterion is unclear": "yes", "what the criterion should say": "more"},
            4: {"verdict": "ruude"},
            5: {"verdict": "rude", "content": "0123456789abcdef"},
            6: {"verdict": "polite", "quotations": "never said"},
        },
        "ben": {2: {"verdict": "polite"}, 3: {"verdict": "rude", "key": "nothing"}},
    })  # fmt: skip
    code, out, err = run(capsys, "import", "coding.xlsx")
    assert code == 1 and "3 answers added, 0 known already, 3 rows without a verdict, 4 refused" in out
    refused = err.splitlines()
    assert len(refused) == 4 and all("coding.xlsx, sheet" in line for line in refused)
    assert "sheet ana, row 4" in refused[0] and "did you mean 'rude'?" in refused[0]
    assert (
        "not what was given out" in refused[1]
        and "never said" in refused[2]
        and "key 'nothing' is of no row" in refused[3]
    )
    first, second = read_answers(folder).of("ana").history
    assert (first.verdict, first.reason, first.source) == ("rude", "=1+1", "coding.xlsx")
    assert [one.status for one in first.quotes] == ["found", "found"]
    assert (second.verdict, second.unclear, second.unclear_note) == (None, True, "more")
    code, out, _ = run(capsys, "import", "coding.xlsx")
    assert "0 answers added, 3 known already" in out, "the same file twice changes nothing"
    run(capsys, "export", "again.xlsx")
    again = load_workbook("again.xlsx").get_sheet_by_name("ana").to_python()
    assert again[1][FIRST_OPEN] == "rude" and again[1][FIRST_OPEN + 1] == "=1+1"


def test_the_workbook_locks_what_is_given_and_lists_what_is_allowed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from zipfile import ZipFile

    run(capsys, "export", "coding.xlsx")
    with ZipFile("coding.xlsx") as file:
        sheet, styles = file.read("xl/worksheets/sheet2.xml").decode(), file.read("xl/styles.xml").decode()
    assert "<sheetProtection" in sheet and '"rude,polite,cannot decide"' in sheet
    assert sheet.count("<dataValidation ") == 10 and 'locked="0"' in styles


def test_a_table_goes_out_and_comes_back_and_answers_may_change(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Path("coded.csv")
    fields = ["record_id", "criterion", "coder", "verdict", "reason", "quotes"]
    for verdict, expected in (("rude", "5 answers added"), ("polite", "5 answers added"), ("rude", "5 answers added")):
        with table.open("w", newline="") as file:
            writer = csv.writer(file, delimiter=";")
            writer.writerow(fields)
            writer.writerows([f"r{n}", "rude", "ben", verdict, "why", "the text | which says"] for n in range(1, 6))
        code, out, err = run(capsys, "import", str(table))
        assert code == 0 and expected in out, (out, err)
    assert {one.verdict for one in read_answers(folder)} == {"rude"}
    code, out, _ = run(capsys, "export", "out.csv")
    assert "5 rows" in out
    code, out, _ = run(capsys, "import", "out.csv")
    assert code == 0 and "0 answers added, 5 known already" in out


def test_a_refused_row_of_a_table_names_its_column_its_value_and_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["r11,rude,ana,rude", "r1,rudde,ana,rude", "x,y,ana,rude", "r1,rude,anna,rude", "r1,rude,ana,polit"]
    Path("coded.csv").write_text("\n".join(["record_id,criterion,coder,verdict", *rows, "r1,rude,ana,rude"]))
    code, out, err = run(capsys, "import", "coded.csv")
    assert code == 1 and "1 answer added" in out and "5 refused" in out
    record, criterion, both, coder, verdict = err.splitlines()
    assert record.endswith("(one of r1, r2, r3, r4, r5)") and "record_id 'r11' is of no record" in record
    assert "coded.csv:2: " in record and "did you mean 'r1'?" in record and "criterion '" not in record
    assert "coded.csv:3: criterion 'rudde' is not coded here; did you mean 'rude'?" in criterion
    assert "record_id 'x' is of no record" in both and "criterion 'y' is not coded here" in both
    assert "coded.csv:5: coder 'anna' codes nothing here; did you mean 'ana'?" in coder
    assert "coded.csv:6: verdict 'polit' is no answer to rude; did you mean 'polite'?" in verdict


def test_columns_called_as_in_the_workbook_are_read_and_nearly_called_ones_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = "r1,rude,ana,rude,This is the text,yes,More."
    heads = "record_id,criterion,coder,verdict,quotations,criterion_is_unclear,what the criterion should say"
    Path("coded.csv").write_text(f"{heads}\n{row}\n")
    assert run(capsys, "import", "coded.csv")[0] == 0
    [answer] = read_answers(folder)
    assert ([one.quote for one in answer.quotes], answer.unclear, answer.unclear_note) == (
        ["This is the text"], True, "More.",
    )  # fmt: skip
    Path("coded.csv").write_text(f"{heads.replace('quotations', 'quots')}\n{row}\n")
    code, _, err = run(capsys, "import", "coded.csv")
    assert code == 2 and "the column 'quots' is not read; did you mean 'quotes'?" in err
    for head in ("record", "recod_id"):
        Path("coded.csv").write_text(f"{heads.replace('record_id', head)}\n{row}\n")
        code, _, err = run(capsys, "import", "coded.csv")
        assert code == 2 and f"there is no column 'record_id', but '{head}'" in err and "record_sha256" not in err


def test_rows_that_contradict_each_other_are_both_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["r1,rude,ana,rude", "r2,rude,ana,rude", "r2,rude,ana,rude", "r1,rude,ana,polite", "r1,rude,ben,polite"]
    Path("coded.csv").write_text("\n".join(["record_id,criterion,coder,verdict", *rows]))
    code, out, err = run(capsys, "import", "coded.csv")
    assert code == 1 and "2 answers added, 1 known already, 0 rows without a verdict, 2 refused" in out
    assert "coded.csv:2: ana answers to the same record and criterion otherwise at coded.csv:5" in err
    assert "coded.csv:5: ana answers to the same record and criterion otherwise at coded.csv:2" in err
    assert [(one.coder, one.record_id) for one in read_answers(folder)] == [("ana", "r2"), ("ben", "r1")]


def test_label_studio_and_doccano(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "This is the text number {}, which says something."
    choice = {"from_name": "rude", "type": "choices", "value": {"choices": ["polite"]}}
    span = {"from_name": "why", "type": "labels", "value": {"start": 0, "end": 7, "text": "This is", "labels": ["x"]}}
    label_studio = [
        {"id": 1, "data": {"text": text.format(1)}, "annotations": [
            {"completed_by": {"id": 4, "email": "ana"}, "result": [choice, span], "lead_time": 3.5}]},
        {"id": 2, "data": {"text": text.format(2)}, "annotations": [{"completed_by": "ana", "result": [
            {"from_name": "other", "type": "choices", "value": {"choices": ["rude", "polite"]}}]}]},
        {"id": 3, "data": {"text": "Other words."}, "annotations": [{"completed_by": "ana", "result": [choice]}]},
        {"id": 4, "data": {"text": text.format(4)}, "annotations": [{"completed_by": 9, "result": [choice]}]},
        {"strange": 1},
    ]  # fmt: skip
    Path("export.json").write_text(json.dumps(label_studio))
    code, out, err = run(capsys, "import", "export.json")
    assert code == 1 and "1 answer added" in out and "4 refused" in out, (out, err)
    assert "one verdict is needed" in err and "its text is none" in err and "'9' codes nothing here" in err
    [answer] = read_answers(folder).of("ana").history
    assert (answer.record_id, answer.verdict, answer.seconds) == ("r1", "polite", 3.5)
    assert [one.quote for one in answer.quotes] == ["This is"]
    doccano: list[dict[str, Any]] = [
        {"id": 11, "text": text.format(1), "label": ["rude"]},
        {"id": 12, "text": text.format(2), "label": [[0, 7, "polite"]]},
        {"id": 13, "data": text.format(3), "label": []},
    ]
    Path("ben.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in doccano))
    code, out, err = run(capsys, "import", "ben.jsonl")
    assert code == 0 and "2 answers added, 0 known already, 1 row without a verdict" in out, (out, err)
    assert [one.verdict for one in read_answers(folder).of("ben").history] == ["rude", "polite"]


def workbook_of(sheets: dict[str, list[list[str]]]) -> bytes:
    """A workbook with these sheets."""
    from xlsxwriter import Workbook  # type: ignore[reportMissingTypeStubs]

    data = BytesIO()
    with Workbook(data, {"strings_to_formulas": False}) as out:
        for name, rows in sheets.items():
            sheet: Any = out.add_worksheet(name)  # type: ignore[reportUnknownMemberType]
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return data.getvalue()


OTHER_WORKBOOK = workbook_of({"Sheet1": [["hello"]]})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.xlsx", None, "there is no such file"),
        ("bad.xlsx", b"no workbook", "no workbook that can be read"),
        ("bad.json", b"{", "this is no JSON"),
        ("bad.csv", b"a,b\n1,2\n", "there is no column 'record_id'"),
        ("bad.csv", b"a,b\n1,2\n", "there is no column 'verdict'"),
        ("bad.csv", b"record_id,criterion,coder,verdct\n", "there is no column 'verdict', but 'verdct'"),
        ("latin.csv", "record_id,verdict\nr1,\xfc".encode("latin-1"), "the file is not in UTF-8"),
        ("empty.csv", b"", "the file holds nothing"),
        ("empty.json", b" ", "the file holds nothing"),
        ("two.json", b'[\n{"text":', "two.json:2: this is no JSON, perhaps cut off"),
        ("other.xlsx", OTHER_WORKBOOK, "none of its sheets is of this coding: Sheet1"),
        ("bad.txt", b"x", "answers come as .xlsx, .csv"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    code, _, err = run(capsys, "import", name)
    assert code == 2 and message in err and name in err and "Traceback" not in err
    assert not list(read_answers(folder))


def test_a_table_with_a_cell_beyond_all_bounds_is_named_with_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("wide.csv").write_text('record_id,verdict\nr1,"' + "x" * 200_000 + '"\n')
    # Reading tables of records raises the bound for the whole process.
    before = csv.field_size_limit(131_072)
    try:
        code, _, err = run(capsys, "import", "wide.csv")
    finally:
        csv.field_size_limit(before)
    assert code == 2 and "wide.csv:2: this is no table that can be read" in err and "Traceback" not in err
