"""Names that a study asks of its data and that no row holds: columns of `records.csv`, and codes for "not coded"."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contract.errors import StudyError
from flows.compose.compose import compose
from tests.check.test_silent_mistakes import FILES, FLOW, POSTS
from tests.support.commands import write_files


def found(folder: Path, *arguments: str, answers: tuple[object, ...] = (), measures: str = "") -> str:
    """All that the check says of the study with those arguments, answers of people and lines of its measures."""
    posts = [{**POSTS[0], "record_id": str(n), "ground_truth": {"violating": one}} for n, one in enumerate(answers)]
    rows: dict[str, str | bytes] = {"posts.jsonl": "".join(json.dumps(post) + "\n" for post in posts)} if posts else {}
    write_files(folder, {**FILES, **rows, "flows/mine.yaml": FLOW + measures})
    try:
        [study] = compose(["mine"], list(arguments), folder)
    except StudyError as error:
        return "\n".join(map(str, error.problems))
    return "\n".join(f"note: {notice}" for notice in study.notices)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("[metadata.wrad]", "names 'metadata.wrad', which is no metadata of the 6 rows; did you mean 'metadata.ward'?"),
        ("[title,metadata.zzz]", "names 'metadata.zzz', which is no metadata of the 6 rows; there is only metadata"),
        (
            "[ground_truth.violatng]",
            "names 'ground_truth.violatng', which is no answer of people of the 6 rows; did you mean",
        ),
        ("[sections.facts]", "names 'sections.facts', which is no section of the 6 rows; leave it out"),
    ],
)
def test_a_column_that_no_record_has_is_a_mistake(tmp_path: Path, columns: str, message: str) -> None:
    said = found(tmp_path, f"run.record_columns={columns}")
    assert said.startswith("command line: run.record_columns=")
    assert f"`record_columns` {message}" in said


def test_several_wrong_columns_are_told_at_once(tmp_path: Path) -> None:
    said = found(tmp_path, "run.record_columns=[metadata.a,metadata.b]")
    assert "metadata.a'" in said
    assert "metadata.b'" in said


@pytest.mark.parametrize("columns", ["[title,text,uri,mime]", "[metadata,metadata.ward]", "[ground_truth.violating]"])
def test_a_column_of_the_records_is_no_mistake(tmp_path: Path, columns: str) -> None:
    assert found(tmp_path, f"run.record_columns={columns}") == ""


def test_a_column_that_only_a_file_asks_for_is_a_note(tmp_path: Path) -> None:
    write_files(tmp_path, {"config.yaml": "run: {record_columns: [metadata.wrad]}\n"})
    said = found(tmp_path)
    assert said.startswith("note: `record_columns` names 'metadata.wrad', which is no metadata of the 6 rows; did you")


@pytest.mark.parametrize(
    ("answers", "code", "message"),
    [
        (("yes", -99, "no"), "-98", "which no answer of people of the 3 rows is; did you mean '-99'?"),
        (("yes", "no"), "refused", "`missing` names 'refused', which no answer of people of the 2 rows is"),
        (("yes", -98.0, "no"), "-98", None),
        (("yes", " REFUSED "), "refused", None),
        ((["yes", "yes", "-98"], ["no", "zz"]), "-98", None),
    ],
)
def test_a_code_that_no_answer_is_is_noted(
    tmp_path: Path, answers: tuple[object, ...], code: str, message: str | None
) -> None:
    said = found(tmp_path, answers=answers, measures=f"  missing: ['{code}']\n")
    notes = [line for line in said.splitlines() if "`missing` names" in line]
    assert [note.startswith("note: 'posts': ") for note in notes] == ([True] if message else [])
    assert (message or "") in "".join(notes)


def test_a_code_of_one_criterion_is_looked_for_too(tmp_path: Path) -> None:
    of_rules = "  truth: {rules: {field: violating, missing: ['-98']}}\n"
    write_files(tmp_path, {**FILES, "flows/mine.yaml": FLOW.replace("  truth: violating\n", of_rules)})
    [study] = compose(["mine"], [], tmp_path)
    assert "'posts': `missing` names '-98', which no answer of people of the 6 rows is" in study.notices
