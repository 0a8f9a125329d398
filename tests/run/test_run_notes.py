"""What a run says of itself stands in its folder: in the manifest, and in the report or the answer that people read."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from contract.findings import CitedAnswer
from flows.report.answer_markdown import notes_markdown
from flows.report.answer_page import AnswerPage
from flows.report.notes_section import NOTES_HEADING
from flows.report.write_report import write_report
from flows.run_folder.replay import replay
from tests.agents.agent_calls import judge_reply
from tests.engine.test_presets import QUESTION, study
from tests.report.sample_run import Sample, write_sample
from tests.support.running import Lab, RunResult

HOSTILE = "the loop <script>alert(1)</script> [here](https://x.example) of `a`\n# ended"
DRAFTS: dict[str, Any] = {
    "output_name": "HostChoice",
    "reply": {"target": "draft", "inputs": {}, "reason": "once more"},
}
ONE_MODEL = "'research' asks only one model (one), so nothing is debated, and the answer is that model's alone"
STUDY = """\
description: Two judges.
records: posts
steps:
  judge: {agent: judge, parameters: {criteria: one, model: x}}
  consent:
    {gate: Fit?, decide: [approve, reject], inputs: {verdict: judge.verdict}, timeout_seconds: 1, on_timeout: skip}
measures: {verdicts: judge}
"""


def texts(ran: RunResult) -> dict[str, str]:
    assert ran.outcome
    names = ("answer.md", "answer.html", "report.md", "report.html")
    paths = (ran.outcome.folder / name for name in names)
    return {path.name: path.read_text(encoding="utf-8") for path in paths if path.exists()}


def kept_notes(ran: RunResult) -> list[str]:
    assert ran.outcome
    return json.loads((ran.outcome.folder / "manifest.json").read_text(encoding="utf-8")).get("notes", [])


async def test_an_answer_says_that_nothing_was_debated(lab: Lab) -> None:
    study(lab, "debate", one=[], lead=[])
    ran = await lab.run(QUESTION)
    [note] = kept_notes(ran)
    assert note.startswith(ONE_MODEL)
    found = texts(ran)
    assert found.keys() == {"answer.md", "answer.html"}
    for text in found.values():
        assert NOTES_HEADING in text and "so nothing is debated" in text


async def test_an_answer_says_which_bound_was_reached_and_a_replay_says_so_too(lab: Lab) -> None:
    study(lab, "desk", one=[], lead=[DRAFTS])
    ran = await lab.run(QUESTION, "flows.desk.steps.rounds.max_rounds=2")
    assert kept_notes(ran) == ran.notes and "all 2 rounds of 'rounds' (max_rounds) were used" in ran.notes[0]
    assert all("all 2 rounds of" in text for text in texts(ran).values())
    assert ran.outcome
    (lab.folder / "again").mkdir()
    replayed = await asyncio.to_thread(replay, ran.outcome.folder, lab.folder / "again")
    assert replayed.different == []


async def test_a_run_that_said_nothing_has_no_such_heading(lab: Lab) -> None:
    agreed: dict[str, Any] = {"conclusion": "They agree.", "divergences": []}
    study(lab, "debate", one=[], two=[], lead=[{"output_name": "DifferencesDraft", "reply": agreed}])
    ran = await lab.run(QUESTION)
    assert not kept_notes(ran) and not any(NOTES_HEADING in text for text in texts(ran).values())


async def test_a_studys_report_says_that_nobody_answered_in_time(lab: Lab) -> None:
    lab.write_posts([{"record_id": "a", "text": "A post."}])
    lab.write("criteria/one.md", "---\ntitle: One\n---\nThe text.\n")
    lab.write("flows/tiny.yaml", STUDY)
    lab.write_model("x", {"reply": judge_reply("violates")})
    ran = await lab.run("run.sample=5")
    sampled, unanswered = "sample=5 asks for more records than there are", "nobody answered at 'consent' in time"
    assert [note.partition(";")[0].partition(" for 1")[0] for note in kept_notes(ran)] == [sampled, unanswered], ran
    found = texts(ran)
    assert found.keys() == {"report.md", "report.html"}
    for text in found.values():
        assert NOTES_HEADING in text and unanswered in text.replace("&#39;", "'")


def test_no_note_becomes_markup(tmp_path: Path) -> None:
    answer = CitedAnswer(question="Why?", summary="So.", claims=(), abstained=True, quality="full")
    result = [{"record_id": "1", "result": answer.model_dump(mode="json")}]
    (tmp_path / "results.json").write_text(json.dumps(result), encoding="utf-8")
    AnswerPage(tmp_path, [HOSTILE]).write()
    sample = write_sample(tmp_path / "study", Sample(records=2, manifest={"notes": [HOSTILE]}))
    write_report(sample.data, sample.rows, sample.measured)
    pages = [tmp_path / "answer.html", tmp_path / "study/report.html"]
    written = [path.read_text(encoding="utf-8") for path in (*pages, tmp_path / "study/report.md")]
    for text in (*written, notes_markdown([HOSTILE])):
        assert "alert(1)" in text and "<script>alert" not in text
        assert ("[here](" not in text and "\n# ended" not in text) or text.lstrip().startswith("<!DOCTYPE")
