"""What `check` says of a source's form: guesses, other readings, rows that would be lost; what a run keeps of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.base import JsonValue
from contract.errors import StudyError
from contract.measures import Measures
from flows.check.preview import preview_source
from flows.check.sources import source_of
from flows.cli.main import main
from flows.compose.compose import compose
from flows.compose.shorthands import as_arguments
from flows.engine.records import records_of
from flows.run_folder.sources import reading_of, sources_of
from flows.spec.study import Study
from flows.tables.answers import AnswerReader, number_of

POSTS = "The ferry was late\tOTHER\nYou are vermin\tOFFENSE\nNice day\tOTHER\n"
LABELS = ("columns.ground_truth.violating=2", "labels.OTHER=does_not_violate", "labels.OFFENSE=violates")
OLID = 'id\ttweet\tlabel\n1\t"Hill people\tOFF\n2\tI like it\tNOT\n3\tthem" he said\tOFF\n'
LONG = "comment_id,who,text,hate\n1,7,You,2.0\n1,8,You,2.0\n2,7,Nice,0.0\n1,9,You,1.0\n2,9,Nice,2.0\n"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writes the tables into the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"posts.tsv": POSTS, "posts.txt": POSTS, "olid.tsv": OLID, "long.csv": LONG}.items():
        Path(name).write_text(text, encoding="utf-8")


def studied(*request: str) -> Study:
    """The smallest study of judges, with that request."""
    [study] = compose(["judger"], request)
    return study


def mistake(*request: str) -> str:
    """The one mistake of the request."""
    with pytest.raises(StudyError) as caught:
        studied(*request)
    [problem] = caught.value.problems
    return str(problem)


def test_a_table_without_names_is_shown_as_it_is_read() -> None:
    text = mistake("records=posts.tsv")
    assert "write columns.text=… with one of 1, 2" in text and "(the first row is read so: 1: The ferry was" in text
    assert "'OTHER' stands again in column 2" in text and "write header=1" in text
    study = studied("records=posts.tsv", "columns.text=1", *LABELS)
    assert any("its first row looks like data" in note for note in study.notices)
    assert reading_of(study) == {"records": {"header": "none"}}
    explicit = studied("records=posts.tsv", "header=none", "columns.text=1", *LABELS)
    assert reading_of(explicit) == {} and not any("looks like data" in note for note in explicit.notices)
    again = compose(["judger"], as_arguments(explicit.request))
    assert again[0].storage["records"] == explicit.storage["records"]


def test_a_text_that_is_a_table_is_noticed() -> None:
    notices = studied("records=posts.txt").notices
    assert any("look like a table of 2 columns" in note and "write delimiter=tab" in note for note in notices)
    table = studied("records=posts.txt", "delimiter=tab", "columns.text=1", *LABELS)
    assert len(list(records_of(table, lambda _: None))) == 3


def test_rows_that_quotation_marks_would_lose_are_a_mistake_with_its_cure() -> None:
    text = mistake("records=olid.tsv", "columns.text=tweet")
    assert "its 4 lines are read as 2 rows" in text and "write quoting=none" in text
    study = studied("records=olid.tsv", "columns.text=tweet", "quoting=none")
    assert next(one.text for one in records_of(study, lambda _: None)) == '"Hill people'
    Path("olid.tsv").write_text('id\ttweet\n1\t"two\nlines"\n2\tone\n', encoding="utf-8")
    assert len(list(records_of(studied("records=olid.tsv"), lambda _: None))) == 2


def test_answers_of_several_people_are_put_together() -> None:
    request = ("records=long.csv", "columns.record_id=comment_id", "columns.ground_truth.violating=hate")
    labels = ("labels.2=violates", "labels.1=unclear", "labels.0=does_not_violate")
    assert "write rows=answers" in mistake(*request, *labels)
    study = studied(*request, *labels, "rows=answers")
    notices = study.notices
    assert preview_source(source_of(study.storage["records"])).metadata == []
    assert any("'2.0, 2.0, 1.0' as violates (1)" in note for note in notices)
    assert any("as many people answered otherwise: '0.0, 2.0' (1)" in note for note in notices)


def test_rows_of_annotators_without_ids_are_noticed() -> None:
    Path("long.csv").write_text("who,text,hate\n7,You,1\n8,You,0\n7,Nice,0\n", encoding="utf-8")
    request = (
        "records=long.csv",
        "columns.ground_truth.violating=hate",
        "labels.1=violates",
        "labels.0=does_not_violate",
    )
    [noticed] = [note for note in studied(*request).notices if "different texts" in note]
    assert "3 rows hold 2 different texts" in noticed and "write rows=answers" in noticed
    assert not [note for note in studied(*request, "rows=answers").notices if "different texts" in note]


def test_decimals_after_a_comma_are_numbers() -> None:
    Path("shares.csv").write_text("id;text;toxic\n1;You;0,83\n2;Nice;0,1\n3;So;0,125\n", encoding="utf-8")
    cut = ("labels.>=0.5=violates", "labels.<0.5=does_not_violate")
    notices = studied("records=shares.csv", "columns.ground_truth.violating=toxic", *cut).notices
    assert any("'0,83' as violates (1); '0,1', '0,125' as does_not_violate (2)" in note for note in notices)
    assert [number_of(text) for text in ("1,000", "1,5", "-2,25")] == [None, 1.5, -2.25]


def test_a_cut_beside_its_bound_is_no_misspelt_answer() -> None:
    Path("shares.csv").write_text("id,text,toxic\n1,You,0.5\n2,Nice,0.1\n3,So,0.9\n", encoding="utf-8")
    cut = ("labels.>=0.5=violates", "labels.<0.5=does_not_violate")
    notices = studied("records=shares.csv", "columns.ground_truth.violating=toxic", *cut).notices
    assert any("'0.5', '0.9' as violates (2)" in note for note in notices)
    assert not any("stands for no answer of people" in note for note in notices)


def test_long_ids_that_all_end_in_zeros_are_noticed() -> None:
    ids = ["1294030000000000000", "1294040000000000000"]
    Path("tweets.csv").write_text("id,text\n" + "".join(f"{one},T{one}\n" for one in ids), encoding="utf-8")
    notices = studied("records=tweets.csv").notices
    assert any("2 ids of 'records' end in zeros after 15 digits" in note for note in notices)


@pytest.mark.parametrize(
    ("other", "second", "is_told"),
    [("coder2", "no", True), ("coder2", "perhaps", False), ("coder_name", "no", False), ("retweet", "no", False)],
)
def test_another_persons_column_is_mentioned(other: str, second: str, is_told: bool) -> None:
    rows = f"id,text,coder1,{other}\n1,You,yes,yes\n2,Nice,no,{second}\n"
    Path("wide.csv").write_text(rows, encoding="utf-8")
    mapped = ("records=wide.csv", "columns.ground_truth.violating=coder1")
    labels = ("labels.yes=violates", "labels.no=does_not_violate")
    notes = [note for note in studied(*mapped, *labels).notices if "may hold those of other people" in note]
    assert bool(notes) == is_told
    if is_told:
        more, truth = "columns.ground_truth.coder2=coder2", "truth={ordinary: [violating, coder2]}"
        assert notes[0].endswith(f"write {more} '{truth}'")
        assert not any("nothing is compared" in note for note in studied(*mapped, *labels, more, truth).notices)


WHOLE = ["1249999112345678912", "1251230987654321098", "1252345678901234567"]
"""Long ids that no spreadsheet has touched."""
ROUNDED = {
    "one to six digits": [*WHOLE, "1250180000000000000"],
    "one to fifteen digits": [*WHOLE, "1250180123456780000"],
    "two of few": ["1250180000000000000", "1260180000000000000", WHOLE[0]],
    "beside short ids": ["1", "2", "1250180000000000000"],
    "beside ids that a spreadsheet wrote": ["1.29403E+18", "1.25018E+18", "1250180000000000000"],
    "one of many": [*(str(10**18 + 999_983_777_771 * one * one) for one in range(1, 400)), "1250180000000000000"],
}
ROUND_FOR_A_REASON = {
    "short": ["1000", "2000", "3000"],
    "counted up": [str(10**18 + one) for one in range(30)],
    "counted up in steps, with gaps": [str(10**16 + 250 * one) for one in (0, 1, 2, 4, 6, 7, 8, 12)],
    "counted up in round steps": [str(10**17 + 10**6 * one) for one in range(9)],
    "times to the second": [f"202401{day}120000000" for day in range(10, 25)],
    "one time of several": ["20240110120000000", "20240111120000123", "20240112120333456"],
    "many of 16 digits": [str(1234567890123450 + 999_983 * one * one) for one in range(60)],
    "a number that people choose": ["1000000000000000000", "7", *WHOLE],
    "one of 17 digits by chance": ["12501812345678900", "7"],
}


@pytest.mark.parametrize("ids", ROUNDED.values(), ids=ROUNDED)
def test_a_rounded_id_among_others_is_noticed(ids: list[str]) -> None:
    Path("tweets.csv").write_text("id,text\n" + "".join(f"{one},T{one}\n" for one in ids), encoding="utf-8")
    [note] = [note for note in studied("records=tweets.csv").notices if "in zeros after 15 digits" in note]
    assert "1250180" in note and "a spreadsheet has rounded" in note


@pytest.mark.parametrize("ids", ROUND_FOR_A_REASON.values(), ids=ROUND_FOR_A_REASON)
def test_ids_that_are_round_for_a_reason_are_not_accused(ids: list[str]) -> None:
    Path("tweets.csv").write_text("id,text\n" + "".join(f"{one},T{one}\n" for one in ids), encoding="utf-8")
    assert not any("in zeros after" in note for note in studied("records=tweets.csv").notices)


def test_a_file_in_another_encoding_is_shown_as_it_would_read() -> None:
    Path("other.csv").write_bytes("id;text\n1;Вы все дрянь и мусор здесь\n2;Хороший день сегодня\n".encode("cp1251"))
    text = mistake("records=other.csv", "encoding=utf-8")
    assert "encoding=cp1252, which reads ‘" in text and "encoding=cp1251, which reads ‘1,Вы все дрянь" in text


def test_objects_by_their_ids_within_one_object_are_rows() -> None:
    rows = {"version": 2, "data": {"a": {"words": ["You", "are"]}, "b": {"words": ["Nice"]}}}
    Path("keyed.json").write_text(json.dumps(rows), encoding="utf-8")
    study = studied("records=keyed.json", "columns.text=words")
    assert [(one.record_id, one.text) for one in records_of(study, lambda _: None)] == [("a", "You are"), ("b", "Nice")]


def test_a_list_of_several_answers_is_no_list_of_parts() -> None:
    Path("lists.json").write_text(json.dumps([{"id": 1, "text": "You", "hate": ["a", "a", "b"]}]), encoding="utf-8")
    text = mistake("records=lists.json", "columns.ground_truth.violating=hate")
    assert "people's answers are 'a', which no judge here may give" in text and "hate.0" not in text


def test_wrong_settings_are_named() -> None:
    assert "`quoting`" in mistake("records=posts.tsv", "quoting=nothing")
    assert "it should be none, qualtrics, or the row" in mistake("records=posts.tsv", "header=first")
    assert "it should be one sign, such as ; or |, or the word tab" in mistake("records=posts.tsv", "delimiter=;;")
    assert "has no column 'text'" in mistake("records=long.csv", "columns.text=text", "header=none")


def test_a_table_beside_texts_counts_as_a_source() -> None:
    Path("corpus").mkdir()
    Path("corpus/a.txt").write_text("You are vermin")
    Path("labels.csv").write_text("file,label\na,hate\n")
    request = ("records=corpus", "labels_from.path=labels.csv", "labels_from.by=file")
    study = studied(*request, "columns.ground_truth.violating=label", "labels.hate=violates")
    assert [Path(one.path).name for one in sources_of(study)] == ["a.txt", "labels.csv"]
    assert [one.ground_truth for one in records_of(study, lambda _: None)] == [{"violating": "hate"}]


VERDICTS = ("violates", "does_not_violate")
MEANT = {"hate": "violates", "none": "does_not_violate"}


@pytest.mark.parametrize(
    ("value", "settings", "expected"),
    [
        ("hate#none#hate", {"split": "#"}, ("violates", "folded")),
        ("hate#none", {"split": "#"}, (None, "tied")),
        ("hate#none#none", {"split": "#", "several": "any"}, ("violates", "folded")),
        (["hate", "NA", None], {}, ("violates", "folded")),
        (["NA", "n/a"], {}, (None, "missing")),
        (["hate", "odd"], {}, ("odd", "unknown")),
        ("hate", {"split": "#"}, ("violates", "exact")),
        ([["hate", "hate"], "none"], {}, ("violates", "folded")),
    ],
)
def test_several_answers_in_one_cell(
    value: JsonValue, settings: dict[str, str], expected: tuple[str | None, str]
) -> None:
    measures = Measures.model_validate({"verdicts": "judge", "labels": MEANT, **settings})
    reading = AnswerReader(measures, VERDICTS).read(value)
    assert reading is not None and (reading.verdict, reading.how) == expected


def test_the_mean_of_several_numbers() -> None:
    reading = AnswerReader(Measures.model_validate({"verdicts": "judge", "level": "interval"})).read(["1", "2.0", "6"])
    assert reading is not None and (reading.verdict, reading.how) == ("3", "folded")


def test_what_check_writes_as_json_names_nothing_that_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "posts.csv").write_text("id,text,ward\n1,Go away.,north\n", encoding="utf-8")
    assert main(["check", "+flows=judger", f"records={tmp_path / 'posts.csv'}", "--json"]) == 0
    [shown] = json.loads(capsys.readouterr().out)["records"]
    assert (shown["rows"], shown["names"]) == (1, ["id", "text", "ward"])
    assert not {"absent", "values"} & shown.keys()
