"""No answer of a workbook is stored for another record, and none is left out without a word."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from python_calamine import load_workbook  # type: ignore[reportUnknownVariableType]

from contract.record import Record
from flows.coding.answer_log import read_answers
from flows.coding.workbook import HEADS
from tests.coding.test_round_trip import change_workbook, run, workbook_of
from tests.support.coding import RECORDS, make_coding

AT = {name: place for place, name in enumerate(HEADS)}


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command's folder is the test's own."""
    monkeypatch.chdir(tmp_path)


def exported(capsys: pytest.CaptureFixture[str], records: Sequence[Record] = RECORDS) -> None:
    """Begins a coding, and gives its workbook out."""
    make_coding(Path("coding/study"), records)
    assert run(capsys, "export", "coding.xlsx")[0] == 0


def sheets() -> dict[str, list[list[str]]]:
    """The sheets of the workbook, all cells as texts."""
    book = load_workbook("coding.xlsx")
    return {
        name: [[str(cell) for cell in row] for row in book.get_sheet_by_name(name).to_python()]
        for name in book.sheet_names
    }


def test_answers_beside_sorted_texts_are_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported(capsys)
    found = sheets()
    rows = found["ben"][1:]
    locked, first = slice(AT["key"], len(HEADS)), slice(0, AT["key"])
    shifted = [[*row[first], *rows[place - 1][locked]] for place, row in enumerate(rows)]
    for row in shifted:
        row[AT["verdict"]] = "rude"
    Path("coding.xlsx").write_bytes(workbook_of({**found, "ben": [found["ben"][0], *shifted]}))
    code, out, err = run(capsys, "import", "coding.xlsx")
    assert code == 1 and "0 answers added" in out and "5 refused" in out
    assert err.count("the text beside this answer is not that of its key") == 5
    assert "sheet ben, row 2: " in err and not list(read_answers(Path("coding/study")))


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"text": "Other words."}, "the text beside this answer is not that of its key"),
        ({"criterion": "Kind"}, "the criterion beside this answer is not that of its key"),
        ({"title": "A title"}, "the title beside this answer is not that of its key"),
        ({"content": ""}, "the cell `content` is empty"),
        ({"coder": "ben"}, "coder 'ben' stands on the sheet of ana"),
        ({"criterion is unclear": "perhaps"}, "`criterion is unclear` is yes or empty, and not 'perhaps'"),
        ({"verdict": "", "reason": "so"}, "a reason without a verdict; write the verdict too, or 'cannot decide'"),
        ({"verdict": "", "quotations": "the text"}, "a quotation without a verdict"),
        ({"verdict": "", "criterion is unclear": "yes"}, "a note that the criterion is unclear without a verdict"),
        ({"verdict": "", "reason": "so", "what the criterion should say": "x"}, "a reason and a note that"),
        ({"reason": "x" * 10_001}, "a reason has at most 10,000 characters"),
        ({"quotations": "\n".join(["the text", *(f"number {n}" for n in range(60))])}, "at most 50 are kept"),
        ({"quotations": "ome of the tex"}, "do not stand in the record"),
        (
            {"quotations": "is the tex"},
            "“is the tex” stands in the record, but cuts a word; the whole words are “is the",
        ),
    ],
)
def test_a_row_that_cannot_be_taken_as_it_stands_is_refused(
    cells: dict[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported(capsys)
    change_workbook(Path("coding.xlsx"), {"ana": {2: {"verdict": "rude", **cells}, 3: {"verdict": "polite"}}})
    code, out, err = run(capsys, "import", "coding.xlsx")
    assert code == 1 and "1 answer added, 0 known already, 8 rows without a verdict, 1 refused" in out, (out, err)
    assert "coding.xlsx, sheet ana, row 2: " in err and message in err
    assert [one.verdict for one in read_answers(Path("coding/study"))] == ["polite"]


def test_words_for_yes_and_no_say_whether_a_criterion_is_unclear(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported(capsys)
    words = {2: "Yes", 3: "x", 4: "TRUE", 5: "no", 6: ""}
    rows = {row: {"verdict": "rude", "criterion is unclear": word} for row, word in words.items()}
    rows[6]["what the criterion should say"] = "More."
    change_workbook(Path("coding.xlsx"), {"ana": rows})
    code, _, err = run(capsys, "import", "coding.xlsx")
    assert (code, err) == (0, "")
    answers = read_answers(Path("coding/study")).of("ana").history
    # Whoever writes what the criterion should say finds it unclear, as on the page.
    assert [one.unclear for one in answers] == [True, True, True, False, True]


def test_what_a_workbook_cannot_hold_of_a_text_is_no_other_text(
    capsys: pytest.CaptureFixture[str],
) -> None:
    texts = ["a\r\nb\rc \n", "bell\x07 and \x0b _x0041_ \ufffe", "word " * 8000, "=1+1", "42"]
    exported(capsys, [Record(record_id=f"r{n}", title=f" t\t{n}", text=text) for n, text in enumerate(texts)])
    found = sheets()
    for row in found["ana"][1:]:
        row[AT["verdict"]] = "rude"
        row[AT["text"]] = row[AT["text"]].replace("\r\n", "\n").replace("\x07", "_x0007_").strip()
    Path("coding.xlsx").write_bytes(workbook_of(found))
    code, out, err = run(capsys, "import", "coding.xlsx")
    assert code == 0 and "5 answers added" in out, err


def test_a_sheet_of_a_coder_that_cannot_be_read_is_refused_and_the_others_are_taken(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported(capsys)
    found = sheets()
    for name in ("ana", "ben"):
        found[name][1][AT["verdict"]] = "rude"
    head = found["ana"][0]
    for heads, message in (
        ([*head[:4], "verdct", *head[5:]], "there is no column 'verdict', but 'verdct'"),
        ([*head[:-2], "", *head[-1:]], "there is no column content"),
        ([*head[:5], "verdict", *head[6:]], "there is no column reason; there are several columns 'verdict'"),
        (["nothing"], "there is no column criterion, title, text, verdict"),
    ):
        Path("coding.xlsx").write_bytes(workbook_of({**found, "ana": [heads, *found["ana"][1:]]}))
        code, out, err = run(capsys, "import", "coding.xlsx")
        assert code == 1 and "4 rows without a verdict, 1 refused" in out, (out, err)
        assert f"coding.xlsx, sheet ana: {message}" in err and "none of its rows is taken" in err
    renamed = {"Ana, second": [[*head[:4], "verdct", *head[5:]], *found["ana"][1:]], "ben": found["ben"]}
    Path("coding.xlsx").write_bytes(workbook_of(renamed))
    code, _, err = run(capsys, "import", "coding.xlsx")
    assert code == 1 and "sheet Ana, second: there is no column 'verdict'" in err
    assert {one.coder for one in read_answers(Path("coding/study"))} == {"ben"}


def test_a_title_above_the_columns_hides_no_answers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported(capsys)
    found = sheets()
    found["ana"][1][AT["verdict"]], found["ana"][2][AT["verdict"]] = "rude", "ruude"
    Path("coding.xlsx").write_bytes(workbook_of({**found, "ana": [["Coded in May"], [], *found["ana"]]}))
    code, out, err = run(capsys, "import", "coding.xlsx")
    assert code == 1 and "1 answer added" in out and "sheet ana, row 5: verdict 'ruude'" in err


def test_one_file_with_a_mistake_keeps_the_answers_of_all_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    exported(capsys)
    Path("good.csv").write_text("record_id,criterion,coder,verdict\nr1,rude,ana,rude\n")
    Path("bad.csv").write_text("record_id,criterion,coder,verdct\nr1,rude,ana,rude\n")
    code, _, err = run(capsys, "import", "good.csv", "bad.csv", "criteria=rudde")
    assert code == 2 and "criteria=rudde: this criterion is not coded here; did you mean 'rude'?" in err
    assert "bad.csv:1: " in err and "2 mistakes" in err
    assert not list(read_answers(Path("coding/study")))
