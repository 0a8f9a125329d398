"""Pictures in studies: models that see them, and models that get a description."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract.errors import StudyError
from tests.support.running import Lab, RunResult
from tests.support.small_study import judge_reply, plain_value, write_study

PIXEL = "iVBORw0KGgo="
DESCRIBED = """\
  describe: {agent: describer, parameters: {model: seer}, when: record.images}
  judge:
    agent: judge
    inputs: {description: describe}
    variants: {model: [seer, x]}
    parameters: {criteria: one}
"""


def write_study_with_picture(lab: Lab, steps: str, **image: str) -> None:
    """Writes a study of one post with a picture and one without, and a model that sees."""
    images = [{"mime": "image/png", **image}]
    write_study(
        lab,
        steps,
        [{"record_id": "p", "text": "Look at this.", "images": images}, {"record_id": "q", "text": "Hear this."}],
    )
    lab.write_model(
        "seer",
        {"output_name": "Description", "reply": {"alt_texts": ["A tidy harbour at dusk."]}},
        {"reply": judge_reply()},
    )
    models: dict[str, Any] = json.loads((lab.folder / "models" / "seer.yaml").read_text(encoding="utf-8"))
    models["seer"]["sees_images"] = True
    lab.write("models/seer.yaml", json.dumps(models))


def parts(ran: RunResult, record: str, model: str) -> list[dict[str, Any]]:
    """The parts of the last message that this judge was shown."""
    row = next(row for row in ran.rows("judge") if (row.record_id, row.variant["model"]) == (record, model))
    return [part.model_dump(mode="json") for part in row.messages[-1].parts]


async def test_models_that_see_get_the_picture_and_others_its_description(lab: Lab) -> None:
    write_study_with_picture(lab, DESCRIBED, data=PIXEL, uri="https://pictures.example/1.png")
    lab.write_model("x", {"reply": judge_reply("violates", "A tidy harbour at dusk.")})
    ran = await lab.run()
    assert {row.record_id: row.status for row in ran.rows("describe")} == {"p": "completed", "q": "skipped"}
    assert next(row.note for row in ran.rows("describe") if row.record_id == "q") == "record.images does not hold"
    seen = parts(ran, "p", "seer")
    assert [part["image"]["data"] for part in seen if part["kind"] == "image"] == [PIXEL]
    assert not any("pictures.example" in json.dumps(part) for part in seen)
    assert "A tidy harbour at dusk." in "".join(part["text"] for part in parts(ran, "p", "x"))
    assert len(parts(ran, "q", "seer")) == 1
    row = next(row for row in ran.rows("judge") if (row.record_id, row.variant["model"]) == ("p", "x"))
    assert plain_value(row)["reasons"][0]["quotes"][0]["field"] == "images.1"


async def test_a_picture_without_a_description_is_a_missing_input(lab: Lab) -> None:
    write_study_with_picture(lab, DESCRIBED.replace("    inputs: {description: describe}\n", ""), data=PIXEL)
    ran = await lab.run()
    [row] = [row for row in ran.rows("judge") if row.status == "missing_input"]
    assert (row.record_id, row.variant["model"]) == ("p", "x")
    assert row.error is not None
    assert row.error.message == (
        "the model x does not see, and picture 1 has no alt text; add a `describe` step or alt_text"
    )


def test_models_that_cannot_do_their_task_are_reported_before_the_run(lab: Lab) -> None:
    write_study(lab, DESCRIBED.replace("seer", "demo"))
    with pytest.raises(StudyError) as caught:
        lab.compose()
    messages = [problem.what for problem in caught.value.problems]
    assert messages[0] == "the model 'demo' cannot be used here: it does not see pictures"
    assert "'judge' cannot judge by this criterion" in messages[1]
    assert len(messages) == 2
