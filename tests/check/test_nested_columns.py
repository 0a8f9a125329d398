"""Columns within objects and lists, as in exports of annotation tools: which names the check offers."""

from __future__ import annotations

import json
from pathlib import Path

from contract.errors import StudyError
from flows.compose.compose import compose
from tests.check.test_silent_mistakes import FILES, FLOW
from tests.support.commands import write_files

ANSWER = "annotations.*.result.*.value.choices"


def post(number: int, choice: str) -> dict[str, object]:
    """A row as an annotation tool writes it."""
    result = [{"type": "choices", "value": {"choices": [choice]}}]
    return {"id": number, "data": {"body_text": f"Post {number}."}, "annotations": [{"by": 1, "result": result}]}


def found(folder: Path, *columns: str) -> str:
    """All that the check says of such an export with those columns."""
    posts: list[object] = [
        post(1, "Hate"),
        post(2, "Kind"),
        {"id": 3, "data": {"body_text": "Nobody looked."}, "annotations": []},
    ]
    flow = FLOW.replace("{'yes': violates, 'no': does_not_violate}", "{Hate: violates, Kind: does_not_violate}")
    write_files(folder, {**FILES, "flows/mine.yaml": flow.replace("  by: [ward]\n", "")})
    folder.joinpath("export.json").write_text(json.dumps(posts))
    try:
        [study] = compose(["mine"], [f"records={folder / 'export.json'}", *columns], folder)
    except StudyError as error:
        return "\n".join(map(str, error.problems))
    return "\n".join(study.notices)


def test_the_text_within_an_object_is_offered(tmp_path: Path) -> None:
    assert "write columns.text=… with one of data.body_text" in found(tmp_path)


def test_an_item_of_a_list_in_brackets_is_told_with_points(tmp_path: Path) -> None:
    said = found(
        tmp_path,
        "columns.text=data.body_text",
        "columns.ground_truth.violating=annotations[0].result[0].value.choice",
    )
    assert f"did you mean '{ANSWER}'?" in said


def test_a_list_of_objects_is_no_answer_and_its_parts_are_named(tmp_path: Path) -> None:
    said = found(tmp_path, "columns.text=data.body_text", "columns.ground_truth.violating=annotations")
    assert "'annotations' holds lists or objects, none of which is an answer; name the part that is one" in said
    assert ANSWER in said


def test_the_part_that_is_offered_is_read(tmp_path: Path) -> None:
    assert found(tmp_path, "columns.text=data.body_text", f"columns.ground_truth.violating={ANSWER}") == ""
