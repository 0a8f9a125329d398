"""Runs that wait: all that depends on no answer is done, the rest goes on later, and nothing is paid for twice."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.errors import AnswersInvalid, StudyError
from flows.accounting.audit import AuditTrail
from flows.gates.answer_file import read_answer_file
from flows.run_folder.replay import replay
from tests.support.fake_llm import FakeLLM
from tests.support.running import Lab, RunResult

FLOW = """\
description: Tiny.
records: posts
steps:
  first: {agent: llm, parameters: {model: paid, template: "user:\\nFirst {{ record.text }}"}}
  consent:
    gate: Is this fit to be published?
    decide: [approve, reject, edit]
    value: draft
    inputs: {draft: first.text}
    fields: {remark: {type: text, default: none}}
  last: {agent: echo, inputs: {given: consent.value, other: consent.remark}}
  beside: {agent: llm, parameters: {model: paid, template: "user:\\nBeside {{ record.text }}"}}
  after: {agent: echo, inputs: {given: last.text}}
result: last
"""


@pytest.fixture
def waiting_lab(lab: Lab, tmp_path: Path) -> Any:
    """A study with a gate, whose model is a service that counts its calls."""
    lab.settings = [*lab.settings, "run.ask=later", f"run.audit={tmp_path / 'audit.jsonl'}"]
    lab.write("flows/tiny.yaml", FLOW)
    with FakeLLM() as service:
        paid = {"kind": "hosted", "provider": "openai", "model_id": "m", "base_url": service.openai_url, "api_key": "k"}
        price = {"input_per_mtok": 1, "output_per_mtok": 1}
        lab.write("models/paid.yaml", json.dumps({"paid": {**paid, "price": price}}))
        yield lab, service


def _posts(lab: Lab, number: int) -> None:
    lab.write_posts([{"record_id": f"p{one}", "text": f"Post {one}."} for one in range(number)])


def _statuses(ran: RunResult, step: str) -> dict[str, str]:
    return {row.record_id: row.status for row in ran.rows(step)}


def _waiting(ran: RunResult) -> tuple[Path, dict[str, Any]]:
    assert ran.outcome and ran.outcome.waiting_file
    return ran.outcome.waiting_file, yaml.safe_load(ran.outcome.waiting_file.read_text(encoding="utf-8"))


def _fill_in(ran: RunResult, decisions: dict[str, dict[str, Any]]) -> Path:
    path, content = _waiting(ran)
    for entry in content["answers"]:
        entry.update(decisions.get(entry["record"], {}))
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


async def test_all_else_is_done_and_the_same_run_goes_on(waiting_lab: tuple[Lab, FakeLLM], tmp_path: Path) -> None:
    lab, service = waiting_lab
    _posts(lab, 4)
    ran = await lab.run()
    assert (ran.state.name, ran.state.is_failed()) == ("Waiting", True)
    assert "4 questions wait for a person (consent: 4)" in str(ran.state.message)
    assert set(_statuses(ran, "beside").values()) == {"completed"}
    for step in ("consent", "last", "after"):
        assert _statuses(ran, step) == dict.fromkeys(("p0", "p1", "p2", "p3"), "waiting")
    assert ran.rows("after")[0].error and "'consent'" in ran.rows("after")[0].error.message  # type: ignore[reportOptionalMemberAccess]
    assert ran.server.child("consent, a person").state_name == "Waiting"
    _, content = _waiting(ran)
    assert [entry["shown"]["draft"] for entry in content["answers"]] == [ran.rows("first")[0].value["text"]] * 4  # type: ignore[reportOptionalSubscript]
    assert service.stats()["calls"] == 8

    decisions = {
        "p0": {"decision": "approve", "by": "ana", "comment": "fine"},
        "p1": {"decision": "reject", "by": "ben", "comment": "harsh"},
        "p2": {"decision": "edit", "value": "Softer.", "remark": "softened"},
    }
    again = await lab.run(f"answers={_fill_in(ran, decisions)}")
    assert again.state.name == "Waiting" and service.stats()["calls"] == 8
    assert _statuses(again, "last") == {"p0": "completed", "p1": "skipped", "p2": "completed", "p3": "waiting"}
    assert _statuses(again, "after") == {"p0": "completed", "p1": "skipped", "p2": "completed", "p3": "waiting"}
    rejected = next(row for row in again.rows("last") if row.record_id == "p1")
    assert rejected.note == "rejected at 'consent' by ben: harsh"
    edited = next(row for row in again.rows("last") if row.record_id == "p2")
    assert edited.input.inputs["given"] == "Softer." and edited.input.inputs["other"] == "softened"
    answers = {row.record_id: row.answer for row in again.rows("consent") if row.answer}
    assert (answers["p0"].by, answers["p0"].comment, answers["p0"].via) == ("ana", "fine", "file")
    assert "+Softer." in answers["p2"].difference and answers["p2"].decision == "edit"
    assert edited.parents == (next(row.cell_id for row in again.rows("consent") if row.record_id == "p2"),)

    # Without the file: what was answered is kept; the last one is still open.
    third = await lab.run()
    assert third.state.name == "Waiting" and _statuses(third, "last") == _statuses(again, "last")
    assert [entry["record"] for entry in _waiting(third)[1]["answers"]] == ["p3"]
    fourth = await lab.run(f"answers={_fill_in(third, {'p3': {'decision': 'approve'}})}")
    assert fourth.state.is_completed() and service.stats()["calls"] == 8
    assert fourth.outcome and not fourth.outcome.waiting
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    # Records go through the flow side by side, in no order.
    asked = sorted((one for one in lines if one["event"] == "question answered"), key=lambda one: one["record"])
    assert [(line["record"], line["decision"]) for line in asked] == [
        ("p0", "approve"), ("p1", "reject"), ("p2", "edit"), ("p3", "approve"),
    ]  # fmt: skip
    assert asked[1]["why"] == "harsh" and not AuditTrail(tmp_path / "audit.jsonl").check().changes
    (lab.folder / "again").mkdir()
    result = await asyncio.to_thread(replay, fourth.outcome.folder, lab.folder / "again")
    assert result.different == []


@pytest.mark.slow
async def test_two_hundred_records_wait_at_a_gate_at_once(waiting_lab: tuple[Lab, FakeLLM]) -> None:
    lab, service = waiting_lab
    _posts(lab, 200)
    ran = await lab.run()
    assert len(_waiting(ran)[1]["answers"]) == 200 and service.stats()["calls"] == 400
    again = await lab.run(f"answers={_fill_in(ran, {f'p{one}': {'decision': 'approve'} for one in range(200)})}")
    assert again.state.is_completed() and service.stats()["calls"] == 400
    assert len(again.rows("last")) == 200 and set(_statuses(again, "last").values()) == {"completed"}


async def test_mistakes_in_the_answers_are_reported_at_once_and_before_any_call(
    waiting_lab: tuple[Lab, FakeLLM],
) -> None:
    lab, service = waiting_lab
    _posts(lab, 2)
    path = lab.write(
        "mine.yaml",
        "answers:\n- {gate: consent, record: p0, decision: aprove}\n- gate: consnt\n  record: p1\n"
        "- gate: consent\n  record: p1\n  decision: edit\n- {gate: consent, record: p1, desicion: reject}\n",
    )
    with pytest.raises(StudyError) as mistakes:
        lab.compose(f"answers={path}")
    found = "\n".join(str(problem).replace(str(path), "mine.yaml") for problem in mistakes.value.problems)
    assert "mine.yaml:2: 'aprove' is no decision here; did you mean 'approve'?" in found
    assert "mine.yaml:3: there is no gate 'consnt' in this flow; did you mean 'consent'?" in found
    assert "mine.yaml:5: the changed value is missing" in found
    assert "mine.yaml:8: 'desicion' is not asked here; did you mean 'decision'?" in found
    assert "mine.yaml:8: this is answered twice, also at" in found
    path.write_text("answers:\n- {gate: consent, record: p7, decision: approve}\n", encoding="utf-8")
    with pytest.raises(StudyError, match="there is no record 'p7' in this run"):
        lab.compose(f"answers={path}")
    path.write_text("".join(["answers:\n", *(f"- {{gate: consent, record: p{one}}}\n" for one in (0, 1))]))
    path.write_text(path.read_text().replace("}", ", decision: approve}"))
    ran = await lab.run(f"answers={path}", "sample=1")
    assert ran.state.is_failed() and "in this run" in str(ran.state.message), "only one of the two is drawn"
    assert service.stats()["calls"] == 0


async def test_a_misspelt_column_of_a_table_is_told_once(waiting_lab: tuple[Lab, FakeLLM]) -> None:
    lab, _ = waiting_lab
    _posts(lab, 3)
    rows = "".join(f"consent,p{one},approve,fits\n" for one in range(3))
    path = lab.write("mine.csv", f"gate,record,desicion,comment\n{rows}")
    with pytest.raises(StudyError) as mistakes:
        lab.compose(f"answers={path}")
    [problem] = mistakes.value.problems
    assert (problem.what, problem.nearest) == ("the column 'desicion' is not asked here", "decision")
    assert problem.where.endswith("mine.csv:1")
    path.write_text(f"gat,recrod,decision,reason\n{rows}")
    with pytest.raises(StudyError) as mistakes:
        lab.compose(f"answers={path}")
    assert [(one.what, one.nearest) for one in mistakes.value.problems] == [
        ("there is no column 'gate'", "gat"),
        ("there is no column 'record'", "recrod"),
    ]


async def test_keys_that_can_answer_nothing_are_told_before_the_run_and_no_others(
    waiting_lab: tuple[Lab, FakeLLM],
) -> None:
    lab, service = waiting_lab
    _posts(lab, 4)
    ran = await lab.run()
    _, content = _waiting(ran)
    keys = {entry["record"]: str(entry["key"]) for entry in content["answers"]}
    mistyped = keys["p1"][:-1] + ("0" if keys["p1"][-1] != "0" else "1")
    calls = service.stats()["calls"]

    def entry(record: str, key: str) -> str:
        return f"- {{gate: consent, record: {record}, decision: approve, key: '{key}'}}\n"

    path = lab.write(
        "mine.yaml", f"answers:\n{entry('p0', keys['p0'])}{entry('p1', mistyped)}{entry('p2', keys['p3'])}"
    )
    with pytest.raises(StudyError) as mistakes:
        lab.compose(f"answers={path}")
    found = [(one.where[-1], one.what, one.nearest) for one in mistakes.value.problems]
    assert found == [
        ("3", "no question has this key", keys["p1"]),
        ("4", "this is the key of 'consent', record p3", None),
    ]
    path.write_text(f"answers:\n{entry('p0', keys['p0'])}{entry('p1', 'ab' * 32)}")
    study = lab.compose(f"answers={path}")
    [note] = [one for one in study.notices if "another key" in one]
    assert "mine.yaml:3: what waits at 'consent' for record p1 has another key" in note
    assert service.stats()["calls"] == calls
    # A run that asks something else takes the answers that were given to it elsewhere, which nobody accuses.
    lab.write("flows/tiny.yaml", FLOW.replace("fit to be published", "fit for print"))
    again = await lab.run(f"run.results={lab.folder / 'elsewhere'}", f"run.folder={lab.folder / 'other_runs'}")
    filled = _fill_in(again, {f"p{one}": {"decision": "approve"} for one in range(4)})
    done = await lab.run(f"answers={filled}")
    assert done.state.is_completed(), done.state.message


async def test_answers_that_do_not_fit_what_is_shown_are_all_named(waiting_lab: tuple[Lab, FakeLLM]) -> None:
    lab, service = waiting_lab
    _posts(lab, 2)
    lab.write("flows/tiny.yaml", FLOW.replace("edit]\n    value: draft", "choose]\n    options: drafts").replace(
        "draft: first.text", "drafts: [first.text, record.text]"))  # fmt: skip
    rows = "gate,record,decision,choice\nconsent,p0,choose,3\nconsent,p1,choose,Post 1\n"
    ran = await lab.run(f"answers={lab.write('mine.csv', rows)}")
    with pytest.raises(AnswersInvalid) as mistakes:
        await ran.state.aresult()
    assert [problem.where.rpartition(":")[2] for problem in mistakes.value.problems] == ["2", "3"]
    assert "did you mean 'Post 1.'?" in str(mistakes.value.problems[1]) and "nothing was run" not in str(ran.state)
    await lab.run(f"answers={lab.write('mine.csv', rows.replace('3', '2').replace('Post 1', 'Post 1.'))}")
    assert service.stats()["calls"] == 4


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
async def test_answers_come_from_tables_too(waiting_lab: tuple[Lab, FakeLLM], suffix: str) -> None:
    lab, _ = waiting_lab
    _posts(lab, 2)
    head, *answers = [["gate", "record", "decision", "comment"], ["consent", "p0", "approve", "good, so"],
                      ["consent", "p1", "reject", ""]]  # fmt: skip
    rows = [head, *answers]
    path = lab.folder / f"mine.{suffix}"
    if suffix == "csv":
        path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
    else:
        from tests.storage.workbooks import write_workbook

        write_workbook(path, {"Sheet1": rows})
    ran = await lab.run(f"answers={path}")
    assert ran.state.is_completed() and _statuses(ran, "last") == {"p0": "completed", "p1": "skipped"}
    assert ran.rows("consent")[0].answer and ran.rows("consent")[0].answer.comment == "good, so"  # type: ignore[reportOptionalMemberAccess]


async def test_an_answer_to_what_was_shown_before_counts_no_more(waiting_lab: tuple[Lab, FakeLLM]) -> None:
    lab, _ = waiting_lab
    _posts(lab, 1)
    path = _fill_in(await lab.run(), {"p0": {"decision": "approve"}})
    lab.write("flows/tiny.yaml", FLOW.replace("Is this fit", "Is it fit"))
    ran = await lab.run(f"answers={path}")
    assert ran.state.name == "Waiting" and _statuses(ran, "last") == {"p0": "waiting"}
    file, problems = read_answer_file(path)
    assert not problems and len(file.unused()) == 1


async def test_a_condition_may_go_another_way_after_a_no(waiting_lab: tuple[Lab, FakeLLM]) -> None:
    lab, _ = waiting_lab
    _posts(lab, 1)
    other = "  other: {agent: echo, inputs: {given: consent.comment}, when: not consent.approved}\nresult: last"
    lab.write("flows/tiny.yaml", FLOW.replace("result: last", other))
    path = lab.write("a.yaml", "answers: [{gate: consent, record: p0, decision: reject, comment: no}]")
    ran = await lab.run(f"answers={path}")
    assert _statuses(ran, "last") == {"p0": "skipped"} and _statuses(ran, "other") == {"p0": "completed"}
    assert ran.rows("other")[0].input.inputs["given"] == "no"


async def test_a_person_chooses_and_a_loop_waits(lab: Lab) -> None:
    lab.settings = [*lab.settings, "run.ask=later"]
    lab.write("flows/tiny.yaml", LOOP)
    ran = await lab.run("text=hello")
    assert ran.state.name == "Waiting"
    assert [row.status for row in ran.rows("end")] == ["waiting"] and len(ran.rows("draft")) == 1
    answers = "answers:\n" + "".join(
        f"- {{gate: pick, record: {ran.rows('draft')[0].record_id}, round: {one}, decision: choose, choice: {one}}}\n"
        for one in (1, 2)
    )
    again = await lab.run("text=hello", f"answers={lab.write('a.yaml', answers)}")
    assert again.state.is_completed() and len(again.rows("draft")) == 2
    assert [row.value["value"] for row in again.rows("pick") if row.value] == ["more", "enough"]
    assert again.rows("end")[0].input.inputs["given"] == "enough"


LOOP = """\
description: Tiny.
parameters: {text: {required: true}}
records: parameters.text
steps:
  turns:
    max_rounds: 3
    until: pick.value == 'enough'
    loop:
      draft: {agent: echo, inputs: {given: previous.pick.value}}
      pick:
        gate: Go on?
        decide: [choose]
        options: [more, enough]
        inputs: {draft: draft.text, given: previous.pick.value}
  end: {agent: echo, inputs: {given: pick.value}}
result: end
"""


def test_a_study_cannot_answer_its_own_questions(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", FLOW.replace("parameters: {model: paid,", "parameters: {model: demo,"))
    lab.write_posts([{"record_id": "p0", "text": "x"}])
    lab.write("local.yaml", "run: {answers: mine.yaml}\n")
    lab.write("mine.yaml", "answers: [{gate: consent, record: p0, decision: approve}]")
    with pytest.raises(StudyError, match="a study cannot answer its own questions"):
        lab.compose()
