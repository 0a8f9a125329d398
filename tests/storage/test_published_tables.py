"""Tables as they are published: without names, with several rows of names, long, packed, in JSON of other shapes."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StorageError
from flows.storage import packed_files
from tests.storage.read_records import guesses, read_records, written
from tests.storage.workbooks import write_workbook

POSTS = "The ferry was late\tOTHER\tOTHER\n@A you are vermin\tOFFENSE\tABUSE\nNice day\tOTHER\tOTHER\n"


def test_a_table_without_names_has_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, "posts.tsv", POSTS)
    found, rejects = read_records(path, columns={"text": 1, "ground_truth.violating": 2})
    assert [one.text for one in found] == ["The ferry was late", "@A you are vermin", "Nice day"]
    assert [one.metadata["3"] for one in found] == ["OTHER", "ABUSE", "OTHER"] and not rejects
    [guess] = guesses(path)
    assert (guess.setting, guess.value) == ("header", "none") and "write header=1" in guess.message
    assert not guesses(path, header="none")
    eaten = guesses(written(tmp_path, "b.tsv", "You\tx\nNice\ty\n"), columns={"text": "1"})
    assert [(one.setting, one.value) for one in eaten] == [("header", "1")] and "write header=none" in eaten[0].message
    assert len(read_records(path, header="none", columns={"text": "1"})[0]) == 3


@pytest.mark.timeout(30)
def test_thousands_of_equal_names_take_no_longer_than_others(tmp_path: Path) -> None:
    names = ["x (3)", *["x"] * 19_000]
    rows = f"text,{','.join(names)}\nOne,{','.join('1' for _ in names)}\n"
    [record], _ = read_records(path := written(tmp_path, "a.csv", rows))
    assert len(record.metadata) == 19_001 and {"x", "x (2)", "x (3)", "x (4)", "x (19001)"} <= set(record.metadata)
    [guess] = [guess for guess in guesses(path) if guess.setting == "columns"]
    assert len(guess.message) < 500 and "'x (2)'" in guess.message and "more" in guess.message


@pytest.mark.parametrize(
    "text",
    [
        "id,text,label\n1,a,x\n2,b,y\n3,c,x\n",
        "country,2019,2020\nA,1,2\nB,3,4\nC,5,6\n",
        "speech,party\nOne,left\nTwo,right\nspeech,party\n",
        "OTHER,body\nOTHER,a\nx,b\n",
        "day,utterance\n2020-01-01,a\n2020-01-02,b\n",
    ],
    ids=["usual names", "years", "names repeated", "a name that is mapped", "dates below a word"],
)
def test_a_row_of_names_is_no_data(tmp_path: Path, text: str) -> None:
    columns = {"text": "body"} if "body" in text else {}
    assert not guesses(written(tmp_path, "a.csv", text), columns=columns)


@pytest.mark.parametrize(
    "text",
    [
        "1,a b c,0\n2,d e f,1\n3,g h i,0\n",
        "0,2009-04-06,x\n4,2009-04-07,y\n0,2009-04-08,z\n",
        "@a hi,u\n@b hi,v\nx,w\n",
    ],
    ids=["it counts", "dates", "a post to somebody"],
)
def test_a_first_row_that_is_data_is_seen(tmp_path: Path, text: str) -> None:
    assert [guess.value for guess in guesses(written(tmp_path, "a.csv", text))] == ["none"]


def test_a_sheet_without_names_and_the_others_of_its_workbook(tmp_path: Path) -> None:
    rows = [["a", "yes", 1], ["b", "no", 2], ["c", "yes", 3]]
    path = write_workbook(tmp_path / "a.xlsx", {"Posts": rows, "Notes": [["x"]]})
    assert [guess.setting for guess in guesses(path)] == ["sheet", "header"]
    assert [one.text for one in read_records(path, columns={"text": 1})[0]] == ["a", "b", "c"]


def test_doubled_names_count_only_where_one_is_mapped(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,user,score,score\n1,hello,0,1\n")
    [record] = read_records(path, columns={"text": "user"})[0]
    assert dict(record.metadata) == {"score": "0", "score (2)": "1"}
    assert guesses(path)[0].setting == "columns"
    with pytest.raises(StorageError, match=r"two columns have the same name: score; .* by its number, such as 3"):
        read_records(path, columns={"text": "user", "ground_truth.x": "score"})
    [record] = read_records(path, columns={"text": "user", "ground_truth.x": "4"})[0]
    assert record.ground_truth == {"x": "1"}


def test_hints_delimiters_and_quotation_marks(tmp_path: Path) -> None:
    hinted = written(tmp_path, "a.csv", "sep=;\nid;text\n1;one, two\n")
    assert [one.text for one in read_records(hinted)[0]] == ["one, two"]
    barred = written(tmp_path, "b.csv", "id|text\n1|one\n")
    assert [one.text for one in read_records(barred)[0]] == ["one"] and guesses(barred)[0].value == "|"
    path = written(tmp_path, "c.tsv", 'id\ttext\n1\t"Hill people\n2\tWhat a "fine" day\n3\tout" he said\n')
    assert [one.text for one in read_records(path, quoting="none")[0]] == [
        '"Hill people',
        'What a "fine" day',
        'out" he said',
    ]
    text = written(tmp_path, "d.txt", POSTS)
    assert len(read_records(text, delimiter="tab", columns={"text": 1})[0]) == 3 and len(read_records(text)[0]) == 1


LONG = "comment_id,annotator_id,text,hate\n1,7,You,2.0\n1,8,You,2.0\n2,7,Nice,0.0\n1,9,You,1.0\n2,9,Nice,2.0\n"


def test_a_row_for_each_annotator_becomes_one_record_for_each_text(tmp_path: Path) -> None:
    path = written(tmp_path, "long.csv", LONG)
    columns = {"record_id": "comment_id", "ground_truth.hate": "hate"}
    found, rejects = read_records(path, rows="answers", columns=columns)
    assert [one.record_id for one in found] == ["1", "2"] and not rejects
    assert [one.model_dump()["ground_truth"] for one in found] == [
        {"hate": ["2.0", "2.0", "1.0"], "of_each_answer": {"annotator_id": ["7", "8", "9"]}},
        {"hate": ["0.0", "2.0"], "of_each_answer": {"annotator_id": ["7", "9"]}},
    ]
    assert not any(one.metadata for one in found)
    without_ids = {"metadata.comment": "comment_id", "ground_truth.hate": "hate", "text": "text"}
    by_text, _ = read_records(path, rows="answers", columns={**without_ids, "metadata.annotator": "annotator_id"})
    assert [one.text for one in by_text] == ["You", "Nice"]
    other = written(tmp_path, "other.csv", "id,text,hate\n1,You,1\n1,Another,0\n")
    found, rejects = read_records(other, rows="answers", columns={"ground_truth.hate": "hate"})
    assert [one.text for one in found] == ["You"] and "the id '1' was there before" in rejects[0].reason


def _json(value: Any) -> str:
    return json.dumps(value)


POSTS_IN_JSON = [{"id": 1, "body": {"text": "The ferry was late"}}, {"id": 2, "body": {"text": "You are filth"}}]


def test_json_with_a_list_beside_what_describes_it(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", _json({"version": "1.1", "posts": POSTS_IN_JSON}))
    found, rejects = read_records(path, columns={"text": "body.text"})
    assert [(one.record_id, one.text) for one in found] == [("1", "The ferry was late"), ("2", "You are filth")]
    assert "2 objects in a list called 'posts'" in guesses(path)[0].message and not rejects
    deeper = written(
        tmp_path, "c.json", _json({"meta": {"version": 1}, "data": {"posts": POSTS_IN_JSON, "next": None}})
    )
    assert read_records(deeper, columns={"text": "body.text"})[0] == found
    assert "in a list called 'data.posts'" in guesses(deeper)[0].message
    whole = read_records(path, columns={"text": "posts.*.body.text"})[0]
    assert [one.text for one in whole] == ["The ferry was late You are filth"]
    thread = {"id": "t", "text": "A question", "answers": [{"body": "yes"}, {"body": "no"}]}
    assert [one.text for one in read_records(written(tmp_path, "b.json", _json(thread)))[0]] == ["A question"]


KEYED = {
    "24_gab": {"post_tokens": ["hill", "people"], "annotators": [{"label": "hate"}, {"label": "offensive"}]},
    "25_tw": {"post_tokens": ["good", "day"], "annotators": [{"label": "normal"}, {"label": "normal"}]},
}


def test_json_of_objects_by_their_ids(tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", _json(KEYED))
    columns = {"text": "post_tokens", "ground_truth.label": "annotators.*.label"}
    found, rejects = read_records(path, columns=columns)
    assert [(one.record_id, one.text) for one in found] == [("24_gab", "hill people"), ("25_tw", "good day")]
    assert found[0].model_dump()["ground_truth"] == {"label": ["hate", "offensive"]} and not rejects
    assert "rows=whole" in guesses(path)[0].message
    one = written(tmp_path, "one.json", _json({"case": {"id": 1, "body": "x"}, "court": {"id": 2, "name": "y"}}))
    assert [one.text for one in read_records(one, columns={"text": "case.body"})[0]] == ["x"]


@pytest.mark.parametrize(
    "value",
    [
        {"text": {"0": "one", "1": "two"}, "label": {"0": "x", "1": "y"}},
        {"text": ["one", "two"], "label": ["x", "y"]},
        {"columns": ["text", "label"], "index": [0, 1], "data": [["one", "x"], ["two", "y"]]},
        [["text", "label"], ["one", "x"], ["two", "y"]],
    ],
    ids=["columns by row number", "columns as lists", "names and rows", "rows as lists"],
)
def test_json_as_tables_are_written(tmp_path: Path, value: Any) -> None:
    found, rejects = read_records(written(tmp_path, "a.json", _json(value)))
    assert [(one.text, one.metadata["label"]) for one in found] == [("one", "x"), ("two", "y")] and not rejects


def test_ids_that_a_spreadsheet_rounded(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "id,text\n1.29403E+18,one\n1250180000000000000,two\n1E5,three\n")
    found, [reject] = read_records(path)
    assert [one.record_id for one in found] == ["1250180000000000000", "1E5"]
    assert "was rounded by a spreadsheet" in reject.reason and "columns.metadata.id=id" in reject.reason
    assert len(read_records(path, columns={"metadata.id": "id"})[0]) == 3


def _corpus(folder: Path, table: str) -> Path:
    (folder / "all").mkdir(parents=True)
    for name in ("1_1", "1_2"):
        (folder / "all" / f"{name}.txt").write_text(f"Text {name}")
    written(folder, "labels.csv", table)
    return folder


def test_ids_that_a_table_keeps_as_text(tmp_path: Path) -> None:
    text = 'id,text\n="0012","=""You"", he said"\n"=""0013""",="Nice" day\n'
    found, _ = read_records(written(tmp_path, "a.csv", text))
    assert [(one.record_id, one.text) for one in found] == [("0012", '="You", he said'), ("0013", '="Nice" day')]


def test_a_table_beside_a_folder_of_texts(tmp_path: Path) -> None:
    folder = _corpus(tmp_path / "corpus", "file_id,user,label\n1_1,57,hate\n9_9,58,none\n")
    settings: dict[str, Any] = {
        "columns": {"ground_truth.label": "label"},
        "labels_from": {"path": folder / "labels.csv"},
    }
    found, [reject] = read_records(folder, **settings)
    assert [(one.record_id, one.text, one.ground_truth) for one in found] == [
        ("all/1_1", "Text 1_1", {"label": "hate"}),
        ("all/1_2", "Text 1_2", None),
    ]
    assert found[0].metadata == {"file_id": "1_1", "user": "57"} and "no text of the folder" in reject.reason
    told = [guess.message for guess in guesses(folder, **settings)]
    assert ["by the column 'file_id'" in told[0], "1 of its 2 texts have no row" in told[1]] == [True, True]
    settings["labels_from"]["by"] = "fil_id"
    with pytest.raises(StorageError, match=r"no column 'fil_id'; did you mean 'file_id'\?"):
        read_records(folder, **settings)
    [reject] = read_records(folder)[1]
    assert "labels_from.path=corpus/labels.csv" in reject.reason


def test_several_answers_beside_a_text(tmp_path: Path) -> None:
    folder = _corpus(tmp_path / "corpus", "file,who,label\n1_1.txt,a,hate\n1_1.txt,b,none\n1_2.txt,a,none\n")
    settings: dict[str, Any] = {"labels_from": {"path": folder / "labels.csv", "by": "file"}}
    columns = {"ground_truth.label": "label"}
    found, [reject] = read_records(folder, columns=columns, **settings)
    assert len(found) == 2 and "rows=answers" in reject.reason
    found, rejects = read_records(folder, columns=columns, rows="answers", **settings)
    assert [one.model_dump()["ground_truth"]["label"] for one in found] == [
        [["hate", "none"]],
        ["none"],
    ] and not rejects


def test_several_tables_of_a_folder(tmp_path: Path) -> None:
    written(tmp_path, "a.csv", "id,text\n1,one\n")
    written(tmp_path, "b.csv", "id;text\n2;two\n")
    written(tmp_path, "c.json", "[]")
    found, _ = read_records(tmp_path, files="*.csv")
    assert [(one.text, one.metadata["file"]) for one in found] == [("one", "a.csv"), ("two", "b.csv")]
    with pytest.raises(StorageError, match=r"holds no files called \*\.tsv"):
        read_records(tmp_path, files="*.tsv")
    with pytest.raises(ValueError, match="a pattern of names in the folder"):
        read_records(tmp_path, files="../*.csv")


def test_packed_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(b"id,text\n1,one\n"))
    assert [one.text for one in read_records(packed)[0]] == ["one"]
    archive = tmp_path / "b.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../evil.csv", "id,text\n1,two\n")
        file.writestr("__MACOSX/._evil.csv", "x")
    assert [one.text for one in read_records(archive)[0]] == ["two"] and not list(tmp_path.parent.glob("evil.csv"))
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("c.csv", "id,text\n")
    with pytest.raises(StorageError, match=r"holds ../../evil\.csv, c\.csv; unpack it"):
        read_records(archive)
    packed.write_bytes(gzip.compress(b"id,text\n1,one\n")[:-6])
    with pytest.raises(StorageError, match="cannot be unpacked"):
        read_records(packed)
    monkeypatch.setattr(packed_files, "MAX_UNPACKED_BYTES", 1000)
    packed.write_bytes(gzip.compress(b"id,text\n" + b"1,one\n" * 10_000))
    with pytest.raises(StorageError, match="unpacks to more than"):
        read_records(packed)
