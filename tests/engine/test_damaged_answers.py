"""Kept answers and questions that were damaged: all of them are told at once, each called what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.running import Lab
from tests.support.waiting_study import GATE_ALONE

POSTS = 4


@pytest.fixture
async def answered(lab: Lab) -> Lab:
    """A study whose questions were all asked and answered."""
    lab.settings = [*lab.settings, "run.ask=later"]
    lab.write("flows/tiny.yaml", GATE_ALONE)
    lab.write_posts([{"record_id": f"p{one}", "text": f"Post {one}."} for one in range(POSTS)])
    rows = "".join(f"consent,p{one},approve\n" for one in range(POSTS))
    await lab.run()
    table = lab.write("mine.csv", f"gate,record,decision\n{rows}")
    await lab.run(f"answers={table}")
    return lab


def damage(lab: Lab, kind: str) -> list[Path]:
    """Cuts the first and the last kept file of that kind."""
    files = sorted(path for path in (lab.folder / "results" / kind).rglob("*") if path.is_file())
    assert len(files) == POSTS
    for path in (files[0], files[-1]):
        path.write_bytes(path.read_bytes()[:40])
    return [files[0], files[-1]]


async def test_all_damaged_answers_are_told_at_once(answered: Lab) -> None:
    first, last = damage(answered, "answers")
    ran = await answered.run()
    assert ran.state.is_failed()
    said = str(ran.state.message)
    assert f"2 kept answers of people cannot be read: {first} (it is not whole), {last} (it is not whole)" in said or (
        f"2 kept answers of people cannot be read: {last} (it is not whole), {first} (it is not whole)" in said
    )
    assert "bring it back from a copy, or remove it, and the question is asked again" in said


async def test_a_damaged_question_is_called_a_question(
    answered: Lab,
) -> None:
    files = damage(answered, "questions")
    for path in (answered.folder / "results" / "answers").rglob("*/*"):
        path.unlink()
    ran = await answered.run()
    said = str(ran.state.message)
    assert "2 kept questions, which say when they were first asked, cannot be read" in said
    assert all(str(path) in said for path in files)
    assert "answer" not in said
