"""Several answers of people in one cell: the check finds the sign between them, and how to name it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from flows.cli.main import main
from tests.check.test_silent_mistakes import FLOW, POSTS, found

UNLABELLED = FLOW.replace("  labels: {'yes': violates, 'no': does_not_violate}\n", "")


def said_of(folder: Path, answers: Sequence[str], flow: str = FLOW) -> str:
    posts = [{**POSTS[0], "record_id": str(n), "ground_truth": {"violating": one}} for n, one in enumerate(answers)]
    lines = "".join(json.dumps(post) + "\n" for post in posts)
    return found(folder, flows__mine_yaml=flow, **{"posts.jsonl": lines})


@pytest.mark.parametrize(
    ("cell", "line", "command"),
    [
        ("yes#no", 'split: "#"', "split='#'"),
        ("yes; no; no", 'split: ";"', "split=';'"),
        ("yes|NA|no", 'split: "|"', "split='|'"),
        ("Yes,no,", 'split: ","', "split=,"),
        ("violates / does_not_violate", 'split: "/"', "split=/"),
    ],
)
@pytest.mark.parametrize("others", [(), ("yes", "no")])
def test_the_sign_between_answers_is_proposed(
    cell: str, line: str, command: str, others: tuple[str, ...], tmp_path: Path
) -> None:
    said = said_of(tmp_path, [cell, *others])
    assert line in said and command in said
    assert "VERDICT" not in said


def test_the_line_that_is_proposed_reads_the_cells(tmp_path: Path) -> None:
    said = said_of(tmp_path, ["yes#no#no", "yes"], FLOW + '  split: "#"\n')
    assert "as violates (1)" in said and "as does_not_violate (1)" in said
    assert "which no judge here may give" not in said


def test_answers_without_a_label_that_stand_alone_elsewhere_are_named_beside_it(tmp_path: Path) -> None:
    said = said_of(tmp_path, ["hate", "none", "hate#none"], UNLABELLED)
    assert 'split: "#"' in said
    assert "labels.hate=VERDICT labels.none=VERDICT" in said or "labels.hate=VERDICT" in said
    assert "hate#none=VERDICT" not in said


@pytest.mark.parametrize("cell", ["yes and no", "C#", "n/o", "yes#perhaps", "#", "yes#"])
def test_what_is_not_made_of_known_answers_is_no_list(cell: str, tmp_path: Path) -> None:
    assert "split:" not in said_of(tmp_path, [cell, "yes"])


@pytest.mark.parametrize("written", ["#", "#,", "# ", "#\n  resamples: 0"])
def test_a_sign_that_yaml_takes_for_a_comment_is_explained(written: str, tmp_path: Path) -> None:
    said = said_of(tmp_path, ["yes#no", "yes"], FLOW + f"  split: {written}\n")
    assert f"flows/mine.yaml:{FLOW.count(chr(10)) + 1}: " in said
    assert "begins a comment" in said and f'write `split: "{written.split()[0]}"`' in said


@pytest.mark.parametrize(
    "bracketed",
    [
        "{path: posts.jsonl, type: file, columns: {record_id: #}}",
        "{type: #file}",
        "{path: posts.jsonl, columns: {text: [#, b]},\n  type: file}",
    ],
)
def test_a_comment_in_brackets_is_explained(bracketed: str, tmp_path: Path) -> None:
    said = found(tmp_path, storage__posts_yaml=f"posts: {bracketed}\n")
    assert "storage/posts.yaml:1: " in said and "begins a comment" in said


@pytest.mark.parametrize("place", ["by: # wards", "by:  # the wards,\n    # as they are called", "order: #"])
def test_comments_are_no_mistake(place: str, tmp_path: Path) -> None:
    flow = FLOW.replace("  by: [ward]", f"  {place}\n    [ward]" if place.startswith("by") else "  by: [ward]")
    assert "begins a comment" not in said_of(tmp_path, ["yes", "no"], flow)


@pytest.mark.parametrize(
    "cells",
    [("2,5", "3,0", "1,5", "2,0", "5"), ("2/3", "1/3", "3/3", "3"), ("0 / 1", "1 / 1", "1", "0")],
)
def test_decimals_and_fractions_are_no_lists(cells: tuple[str, ...], tmp_path: Path) -> None:
    assert "split:" not in said_of(tmp_path, cells, UNLABELLED)


def test_numbers_of_several_answers_are_a_list(tmp_path: Path) -> None:
    flow = FLOW.replace("{'yes': violates, 'no': does_not_violate}", "{'1': violates, '3': does_not_violate}")
    assert 'split: ","' in said_of(tmp_path, ["1,3,1", "1", "3"], flow)


@pytest.mark.parametrize(
    ("written", "todo"),
    [
        ("text: #text", '`text` has no value; write `text: "#text"`'),
        ("text: # the column", "`text` has no value; write the value before the #, as in `text: value # the column`"),
    ],
)
def test_a_value_that_is_only_a_comment_is_named_as_that(written: str, todo: str, tmp_path: Path) -> None:
    storage = f"posts:\n  type: file\n  path: posts.jsonl\n  columns:\n    {written}\n"
    said = found(tmp_path, storage__posts_yaml=storage)
    assert "storage/posts.yaml:5: " in said and todo in said


def test_a_missing_value_without_a_comment_is_called_empty(tmp_path: Path) -> None:
    said = found(tmp_path, storage__posts_yaml="posts:\n  type: file\n  path:\n")
    assert "`path` is empty" in said and "comment" not in said


@pytest.mark.parametrize(("given", "what"), [("split=", "is empty"), (f"split={';' * 11}", "more")])
def test_a_sign_of_a_command_that_is_none_is_a_mistake(
    given: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "posts.csv").write_text(
        "id,text,label\n1,A post.,violates;violates\n2,Two.,violates\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    arguments = ["records=posts.csv", "columns.ground_truth.violating=label"]
    assert main(["check", "+flows=[judger]", *arguments, given]) == 2
    said = capsys.readouterr().err
    assert "command line: split=" in said and what in said and "split=';'" in said


def test_an_empty_sign_in_a_flow_is_called_empty(tmp_path: Path) -> None:
    said = said_of(tmp_path, ["yes", "no"], FLOW + "  split: ''\n")
    assert "`split`" in said and "is empty" in said and "characters long" not in said
