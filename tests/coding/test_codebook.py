"""A codebook in the hands of coders: a field that suits each variable, and answers that are checked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from contract.codebook import Variable
from flows.coding.adjudication import agreed_entries, coded_items, open_disputes
from flows.coding.answer_files import read_answer_file
from flows.coding.answer_log import AnswerLog, read_answers
from flows.coding.answer_table import write_answer_table
from flows.coding.import_answers import AnswerImport
from flows.coding.task import CodedCriterion, read_task, save_task
from flows.coding.workbook import write_workbook
from flows.files.gold_set import GoldSet
from tests.coding.test_round_trip import change_workbook
from tests.support.coding import RECORDS, coder_of, coding_pages, make_coding

VARIABLES = (
    Variable(name="tone", type="choice", options=("hostile", "friendly")),
    Variable(name="topics", type="choices", options=("work", "food", "crime")),
    Variable(name="people", type="number", minimum=0),
    Variable(name="gist", type="text"),
    Variable(name="words", type="quotation"),
)


@pytest.fixture
def coding(tmp_path: Path) -> Path:
    make_coding(tmp_path, RECORDS[:1])
    found = read_task(tmp_path)
    assert found is not None
    criteria = tuple(
        CodedCriterion(
            name=f"framing.{one.name}", title=one.name, text="How it speaks.", sha256="c" * 64, variable=one,
            verdicts=one.allowed or one.options,
        )
        for one in VARIABLES
    )  # fmt: skip
    save_task(tmp_path, found[0].model_copy(update={"criteria": criteria}))
    return tmp_path


def kept(folder: Path, coder: str = "ana") -> dict[str, str | None]:
    return {one.criterion.partition(".")[2]: one.verdict for one in read_answers(folder) if one.coder == coder}


def test_each_type_of_variable_is_answered_in_a_field_of_its_own(coding: Path) -> None:
    with coding_pages(coding) as (_, access, client):
        ana = coder_of(access, client, "ana")
        assert 'type="radio" name="verdict" value="hostile"' in ana.get("/1")
        assert 'type="checkbox" name="verdict" value="food"' in ana.get("/2")
        assert 'type="number" id="value" name="verdict"' in ana.get("/3")
        ana.answer(1, "friendly")
        several: Any = ["crime", "work"]
        ana.answer(2, several)
        assert "less than 0" in ana.answer(3, "-1", status=422)
        assert "is no number" in ana.answer(3, "many", status=422)
        ana.answer(3, "2.0")
        assert "Answer this" in ana.answer(4, "  ", status=422)
        ana.answer(4, "", undecided="yes")
        assert "do not stand in the record" in ana.answer(5, "no such words", status=422)
        ana.answer(5, "the text number")
        assert 'value="crime" data-key="3" checked' in ana.get("/2")
    assert kept(coding) == {
        "tone": "friendly", "topics": "work; crime", "people": "2", "gist": None, "words": "the text number",
    }  # fmt: skip
    [words] = [one for one in read_answers(coding) if one.criterion == "framing.words"]
    assert [quote.status for quote in words.quotes] == ["found"]


def test_no_option_is_an_answer_of_its_own(coding: Path) -> None:
    with coding_pages(coding) as (_, access, client):
        ana = coder_of(access, client, "ana")
        ana.answer(2, "none")
        mixed: Any = ["none", "work"]
        assert "&#39;none&#39; stands alone" in ana.answer(2, mixed, status=422)
        start = re.sub("<.*?>", "", client.get(ana.base).text)
        assert "All that apply of: work, food, crime" in start
    assert kept(coding) == {"topics": "none"}


def test_a_workbook_has_a_row_for_each_variable_and_comes_back(coding: Path, tmp_path: Path) -> None:
    found = read_task(coding)
    assert found is not None
    path = tmp_path / "coding.xlsx"
    write_workbook(path, *found, read_answers(coding))
    filled = ["Hostile", "food;work", "3", "It says something.", "says something"]
    change_workbook(path, {"ana": {row: {"verdict": text} for row, text in enumerate(filled, start=2)}})
    with AnswerLog(coding) as log:
        done = AnswerImport(*found, log, "coding.xlsx").take(read_answer_file(path, *found, ""))
    assert (len(done.added), done.refused) == (5, [])
    assert kept(coding) == {
        "tone": "hostile", "topics": "work; food", "people": "3", "gist": "It says something.",
        "words": "says something",
    }  # fmt: skip


def test_several_labels_of_an_export_are_the_options_of_one_answer(coding: Path, tmp_path: Path) -> None:
    found = read_task(coding)
    assert found is not None
    task, [record] = found
    topics = task.model_copy(update={"criteria": task.criteria[1:2]})
    text = record.record.text
    result = [{"from_name": "t", "type": "choices", "value": {"choices": ["work", "crime"]}}]
    studio = {"id": 1, "data": {"text": text}, "annotations": [{"completed_by": "ana", "result": result}]}
    exports = {"export.json": [studio], "ben.jsonl": {"id": 1, "text": text, "label": ["crime", "food"]}}
    with AnswerLog(coding) as log:
        for name, content in exports.items():
            path = tmp_path / name
            path.write_text(json.dumps(content), encoding="utf-8")
            done = AnswerImport(topics, [record], log, name).take(read_answer_file(path, topics, [record], ""))
            assert (len(done.added), done.refused) == (1, []), name
    assert (kept(coding), kept(coding, "ben")) == ({"topics": "work; crime"}, {"topics": "food; crime"})


def test_a_quotation_that_was_exported_or_is_saved_again_stays_one_quotation(coding: Path, tmp_path: Path) -> None:
    with coding_pages(coding) as (_, access, client):
        ana = coder_of(access, client, "ana")
        ana.answer(5, "the text number")
        ana.answer(5, "the text number", quotes="the text number")
    assert [len(one.quotes) for one in read_answers(coding)] == [1]
    found = read_task(coding)
    assert found is not None
    table, workbook = tmp_path / "answers.csv", tmp_path / "coding.xlsx"
    write_answer_table(table, *found, read_answers(coding))
    write_workbook(workbook, *found, read_answers(coding))
    with AnswerLog(coding) as log:
        for path in (table, workbook):
            done = AnswerImport(*found, log, path.name).take(read_answer_file(path, *found, ""))
            assert (len(done.added), done.unchanged, done.refused) == (0, 1, []), path


def test_a_changed_quotation_leaves_nothing_of_the_old_one(coding: Path) -> None:
    with coding_pages(coding) as (_, access, client):
        ana = coder_of(access, client, "ana")
        ana.answer(5, "the text number")
        shown = ana.get("/5")
        form = dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)', shown))
        assert form["verdict"].strip() == "the text number" and not form["quotes"].strip()
        ana.answer(5, "text number", quotes=form["quotes"])
    assert [[one.quote for one in answer.quotes] for answer in read_answers(coding)] == [["text number"]]


def test_nobody_decides_between_answers_in_words(coding: Path) -> None:
    with coding_pages(coding) as (_, access, client):
        for name, topics, gist in (("ana", "work", "So."), ("ben", "food", "Or so.")):
            coder = coder_of(access, client, name)
            coder.answer(1, "hostile")
            coder.answer(2, topics)
            coder.answer(4, gist)
    found = read_task(coding)
    assert found is not None
    items = list(coded_items(*found, read_answers(coding)))
    [agreed, still_open] = agreed_entries(items, GoldSet())
    assert (agreed.criterion, agreed.verdict, still_open.criterion) == ("framing.tone", "hostile", "framing.topics")
    assert [item.criterion.name for item in open_disputes(items, GoldSet())] == ["framing.topics"]
