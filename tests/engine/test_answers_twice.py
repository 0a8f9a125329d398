"""Answers that are given twice and differ: the last one counts, and a file that takes back another's answer says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import StudyError
from tests.support.running import Lab
from tests.support.waiting_study import GATE_ALONE


async def test_a_file_that_takes_back_a_later_answer_is_told(lab: Lab) -> None:
    lab.settings = [*lab.settings, "run.ask=later"]
    lab.write("flows/tiny.yaml", GATE_ALONE)
    lab.write_posts([{"record_id": f"p{one}", "text": f"Post {one}."} for one in range(2)])
    files = dict[str, Path]()
    for who, decision in (("ana", "approve"), ("ben", "reject")):
        rows = f"consent,p0,{decision},{who}\nconsent,p1,approve,\n"
        files[who] = lab.write(f"{who}.csv", f"gate,record,decision,by\n{rows}")
        ran = await lab.run(f"answers={files[who]}")
    said = "the file answers otherwise than before, and counts now: 'consent', record p0 (before: {})"
    assert said.format("approve by ana") in ran.notes
    again = await lab.run(f"answers={files['ana']}")
    assert said.format("reject by ben") in again.notes
    assert [row.answer.decision for row in again.rows("consent") if row.answer] == ["approve", "approve"]
    third = await lab.run(f"answers={files['ana']}")
    assert not any("otherwise" in note for note in third.notes)


def test_one_answer_that_decides_twice_is_a_mistake_before_the_run(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", GATE_ALONE)
    lab.write_posts([{"record_id": "p0", "text": "A post."}])
    path = lab.write("mine.yaml", "- {gate: consent, record: p0, decision: approve,\n   decision: reject}\n")
    with pytest.raises(StudyError, match=r"mine\.yaml:2: 'decision' appears twice in one answer"):
        lab.compose(f"answers={path}")
