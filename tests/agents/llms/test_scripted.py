"""Scripted models: which line answers, and how mistakes in a script are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.llms.factory import build_model
from agents.llms.scripted import Scripted, ScriptLine, read_script, script_problems
from contract.errors import ModelRejected, RateLimited, StudyError
from contract.findings import ResearchDraft
from contract.models import ScriptedModel
from tests.agents.llms.requests import make_request

SCRIPT = """\
{"match": "harbour", "reply": "At dusk."}

{"regex": "(?i)SECRET", "reply": "I cannot help with that.", "finish_reason": "refusal"}
{"output_name": "ResearchDraft", "error": "RateLimited", "retry_after": 0.001, "times": 1}
{"output_name": "ResearchDraft", "reply": {"answerable": false}}
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "script.jsonl"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


async def test_the_first_line_that_fits_answers(script: Path) -> None:
    model = build_model("actor", ScriptedModel(path=script))
    assert (await model.complete(make_request("the harbour"))).text == "At dusk."
    assert (await model.complete(make_request("a secret"))).finish_reason == "refusal"
    with pytest.raises(RateLimited) as caught:
        await model.complete(make_request(output=ResearchDraft))
    assert caught.value.retry_after == 0.001
    reply = await model.complete(make_request(output=ResearchDraft))
    assert reply.parsed == {"answerable": False}
    assert reply.cost_usd == 0


async def test_a_request_that_no_line_fits_is_rejected_in_plain_words(script: Path) -> None:
    with pytest.raises(ModelRejected, match="the script of 'actor' has no line for this request"):
        await build_model("actor", ScriptedModel(path=script)).complete(make_request("something else"))


async def test_a_function_answers_and_calls_are_counted() -> None:
    model = Scripted("actor", lambda asked: asked.messages[-1].text.upper())
    assert (await model.complete(make_request("loud"))).text == "LOUD"
    assert model.calls == 1


def test_another_script_is_another_model() -> None:
    one, other = Scripted("a", [ScriptLine(reply="x")]), Scripted("a", [ScriptLine(reply="y")])
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == Scripted("b", [ScriptLine(reply="x")]).fingerprint


def test_all_bad_lines_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"reply": "fine"}\n{"rebly": "x"}\n{"match": "x"}\nnot json\n{"regex": "(", "reply": ""}\n')
    with pytest.raises(StudyError) as caught:
        read_script(path)
    assert [problem.where.rsplit(":", 1)[1] for problem in caught.value.problems] == ["2", "3", "4", "5"]


def test_a_mistake_in_a_line_names_the_nearest_field(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"mach": "x", "reply": "y"}\n{"reply": "y"\n{"regex": "(", "reply": ""}\n')
    [unknown, unfinished, pattern] = script_problems(path)
    assert (unknown.nearest, "no JSON object" in unfinished.what) == ("match", True)
    assert pattern.what.startswith("`regex`: not a regular expression: ")


def test_a_script_that_is_gone_since_the_check_is_the_models_failure(tmp_path: Path) -> None:
    # A mistake of the study would be told with "nothing was run", where other models have been asked.
    with pytest.raises(ModelRejected, match="cannot be read"):
        build_model("actor", ScriptedModel(path=tmp_path / "none.jsonl"))
    with pytest.raises(ModelRejected, match="needs a script"):
        build_model("actor", ScriptedModel())
