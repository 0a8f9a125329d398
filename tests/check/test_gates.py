"""Mistakes of gates are found before the run, with their lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import StudyError
from flows.check.gate import waiting_notes
from flows.compose.compose import compose
from tests.compose.tiny_study import problems_of
from tests.support.commands import write_files

FLOW = """\
description: Mine.
parameters: {query: {required: true}}
records: parameters.query
steps:
  judge: {agent: judge, parameters: {model: demo, criteria: ordinary}}
  consent:
    gate: Fit?
    who: the editor
    decide: [approve, reject]
    inputs: {verdict: judge.verdict}
  second: {agent: judge, parameters: {model: demo, criteria: ordinary}, when: consent.approved}
result: second
"""


@pytest.mark.parametrize(
    ("before", "after", "where", "what", "nearest", "todo"),
    [
        ("    decide: [approve, reject]\n", "", 6, "asks for nothing", None, "add `decide: [approve, reject]`"),
        ("reject]", "edit]", 9, "`edit` needs to know what is changed", None, "add `value:`"),
        ("reject]", "choose]", 9, "`choose` needs something to choose from", None, "add `options:`"),
        ("reject]\n", "reject]\n    options: [a, b]\n", 10, "nobody can choose among these", None, "add `choose`"),
        ("reject]\n", "edit]\n    value: verdikt\n", 10, "'verdikt' is no input of the gate", "verdict", "are verdict"),
        ("reject]\n", "choose]\n    options: verdicts\n", 10, "'verdicts' is no input", "verdict", "are verdict"),
        ("reject]\n", "approve]\n    on_timeout: reject\n", 10, "nothing can be rejected here", None, "skip, fail or"),
        ("reject]\n", "reject]\n    fields: {by: {}}\n", 10, "a field cannot be called 'by'", None, "columns of every"),
        ("consent.approved", "consent.aproved", 11, "there is no field 'aproved'", "consent.approved", "decision"),
        ("[approve, reject]", "[aprove, reject]", 9, "an entry of `decide` is 'aprove', but", "approve", None),
        ("who: the editor", "on_timeout: approve", 8, "approve", None, None),
    ],
)  # fmt: skip
def test_a_mistake_is_reported(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    after: str,
    where: int,
    what: str,
    nearest: str | None,
    todo: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert before in FLOW
    write_files(tmp_path / "my_study", {"flows/mine.yaml": FLOW.replace(before, after, 1)})
    problem = problems_of(Path("my_study"))[0]
    assert problem.where == f"my_study/flows/mine.yaml:{where}"
    assert what in problem.what
    assert problem.nearest == nearest
    assert (todo or "") in (problem.todo or "")


def test_the_check_names_what_waits_for_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    timed = FLOW.replace(
        "who:", "timeout_seconds: 60\n    on_timeout: skip\n    when: judge.verdict == 'violates'\n    who:"
    )
    write_files(tmp_path / "my_study", {"flows/mine.yaml": timed})
    [study] = compose(["mine"], ["query=x"], Path("my_study"))
    first, _ = waiting_notes(study, has_page=False)
    assert first == (
        "'consent' waits for the editor, once for each record where judge.verdict == 'violates': Fit? "
        "(after 60 s: skipped)"
    )


def test_a_flow_that_asks_nobody_takes_no_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flow = FLOW.partition("  consent:")[0] + "result: judge\n"
    write_files(tmp_path / "my_study", {"flows/mine.yaml": flow, "mine.yaml": "answers: []"})
    [problem] = problems_of(Path("my_study"), "answers=mine.yaml")
    assert "no flow here takes 'answers'" in problem.what


ANSWERS = """\
answers:
- {gate: consent, record: p1, decision: edit, value: banana}
- {gate: consent, record: q2, decision: aprove}
- {gate: consnt, record: p2, decision: approve}
- {gate: consent, record: p2, key: deadbeef, decision: approve}
"""
EDITED = """\
description: Mine.
records: posts
steps:
  judge: {agent: judge, parameters: {model: demo, criteria: ordinary}}
  consent:
    gate: Fit?
    decide: [approve, edit]
    value: verdict
    inputs: {verdict: judge.verdict}
result: judge
"""


def test_all_mistakes_in_answers_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, {
        "answers.yaml": ANSWERS, "my_study/flows/mine.yaml": EDITED,
        "my_study/storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
        "my_study/posts.jsonl": '{"id": "p1", "text": "A."}\n{"id": "p2", "text": "B."}\n',
    })  # fmt: skip
    with pytest.raises(StudyError) as error:
        compose(["mine"], ["answers=answers.yaml"], Path("my_study"))
    found = {(one.where, one.what.partition(" in this")[0], one.nearest) for one in error.value.problems}
    assert found == {
        ("answers.yaml:2", "'banana' is no verdict here", None),
        ("answers.yaml:3", "'aprove' is no decision here", "approve"),
        ("answers.yaml:3", "there is no record 'q2'", None),
        ("answers.yaml:4", "there is no gate 'consnt'", "consent"),
        ("answers.yaml:5", "no question has this key: a key has 64 digits and letters from a to f", None),
    }
