"""Mistakes that compose and would make a scholar's result wrong: the check names each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StudyError
from contract.storage import FileStorage
from flows.check.gate import gate_problems
from flows.check.preview import MAX_BYTES, preview_source
from flows.compose.compose import compose
from tests.support.commands import write_files

FLOW = """\
description: Posts are judged.
records: posts
steps:
  judge:
    agent: judge
    parameters: {criteria: rules, model: m}
measures:
  verdicts: judge
  truth: violating
  labels: {'yes': violates, 'no': does_not_violate}
  by: [ward]
"""
POSTS = [
    {"record_id": str(number), "text": "A post.", "ward": "north", "ground_truth": {"violating": "yes"}}
    for number in range(6)
]
FILES: dict[str, str | bytes] = {
    "flows/mine.yaml": FLOW,
    "storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
    "posts.jsonl": "".join(json.dumps(post) + "\n" for post in POSTS),
    "criteria/rules.md": "---\ntitle: Rules\n---\nDo no harm.\n",
    "models/m.yaml": "m: {kind: scripted, path: m.jsonl}\n",
    "models/m.jsonl": '{"reply": "no"}\n',
    "m.jsonl": '{"reply": "no"}\n',
}
JUDGE = "user:\n{{ criterion.text | fence('criterion') }}\n{{ record.text | fence('text') }}\n"


def found(folder: Path, **files: str) -> str:
    """All that the check says of the study with those files (`__` for `/`, `_md` for `.md`), one a line."""
    named: dict[str, str | bytes] = {
        name.replace("__", "/").replace("_md", ".md").replace("_yaml", ".yaml"): text for name, text in files.items()
    }
    write_files(folder, {**FILES, **named})
    try:
        [study] = compose(["mine"], [], folder)
    except StudyError as error:
        return "\n".join(map(str, error.problems))
    return "\n".join(f"note: {notice}" for notice in study.notices)


def test_the_study_itself_has_no_mistake(tmp_path: Path) -> None:
    assert found(tmp_path) == ""
    assert found(tmp_path, prompts__judge_md=JUDGE) == ""


SILENT: dict[str, tuple[dict[str, str], str]] = {
    "a criterion whose front matter has no end": (
        {"criteria__rules_md": "---\ntitle: Rules\nverdicts: [a, b]\nDo no harm.\n"},
        "criteria/rules.md:1: the front matter has no end",
    ),
    "a prompt whose front matter has no end": (
        {"prompts__judge_md": f"---\ntitle: Mine\n{JUDGE}"},
        "prompts/judge.md:1: the front matter has no end",
    ),
    "by names no column": (
        {"flows__mine_yaml": FLOW.replace("[ward]", "[wards]")},
        "flows/mine.yaml:11: `by` names 'wards', which is no metadata of the 6 rows; did you mean 'ward'?",
    ),
    "a prompt that replaces nothing": (
        {"prompts__jugde_md": JUDGE},
        "prompts/jugde.md is used by no step here; if it should replace judge.md",
    ),
    "a judge prompt without its criterion": (
        {"prompts__judge_md": "user:\n{{ record.text | fence('text') }}\n"},
        "prompts/judge.md:1: the template of 'judge' shows no judge its criterion",
    ),
    "a judge prompt without the text": (
        {"prompts__judge_md": "user:\n{{ criterion.text | fence('criterion') }}\n"},
        "prompts/judge.md:1: the template of 'judge' shows no judge the text that it judges",
    ),
    "a field that no record has": (
        {"prompts__judge_md": f"{JUDGE}{{{{ record.txt }}}}\n"},
        "prompts/judge.md:4: `record.txt`: a record has no such field; did you mean 'record.text'?",
    ),
    "a method of a field": (
        {"prompts__judge_md": f"{JUDGE}{{{{ record.text.upper }}}}\n"},
        "prompts/judge.md:4: `record.text.upper`: it is a method; write .upper() to call it",
    ),
    "people's answers in a prompt": (
        {"prompts__judge_md": f"{JUDGE}{{{{ record['ground_truth'] }}}}\n"},
        "prompts/judge.md:4: `record.ground_truth`: no model is shown what people answered",
    ),
    "a field that no criterion has": (
        {"prompts__judge_md": f"{JUDGE}{{{{ criterion.titel }}}}\n"},
        "prompts/judge.md:4: `criterion.titel`: a criterion has no such field; did you mean 'criterion.title'?",
    ),
    "a field of what a loop goes through": (
        {"prompts__judge_md": f"{JUDGE}{{% for one in criterion.examples %}}{{{{ one.verdit }}}}{{% endfor %}}\n"},
        "prompts/judge.md:4: `one.verdit`: there is no such field; did you mean 'one.verdict'?",
    ),
    "a mistake in a template that is included": (
        {"prompts__judge_md": f"{JUDGE}{{% include 'more.md' %}}\n", "prompts__more_md": "\n{{ record.txt }}\n"},
        "prompts/more.md:2: `record.txt`: a record has no such field",
    ),
    "wrong syntax in a template that is included": (
        {"prompts__judge_md": f"{JUDGE}{{% include 'more.md' %}}\n", "prompts__more_md": "\n{{ 1 | random }}\n"},
        "prompts/more.md:2: the filter 'random' gives another text each time",
    ),
    "an included template that is not there": (
        {"prompts__judge_md": f"{JUDGE}{{% include 'mor.md' %}}\n"},
        "prompts/judge.md:4: includes 'mor.md', which is not in prompts/",
    ),
    "a block that two roles share": (
        {"prompts__judge_md": "system:\n{% if record.title %}\n" + JUDGE + "{% endif %}\n"},
        "prompts/judge.md:2: Unexpected end of template",
    ),
    "a misspelt truth": (
        {"flows__mine_yaml": FLOW.replace("truth: violating", "truth: violatng")},
        "flows/mine.yaml:9: `truth` names 'violatng', which no answer of people in 'posts' is called; "
        "did you mean 'violating'?",
    ),
    "a filter that is not deterministic": (
        {"prompts__judge_md": f"{JUDGE}{{{{ [1, 2] | random }}}}\n"},
        "prompts/judge.md:4: the filter 'random' gives another text each time",
    ),
    "labels without quotation marks": (
        {"flows__mine_yaml": FLOW.replace("'yes'", "yes")},
        "flows/mine.yaml:10: `yes` without quotation marks is true or false in YAML",
    ),
}


@pytest.mark.parametrize(("files", "message"), SILENT.values(), ids=SILENT)
def test_a_silent_mistake_is_named(tmp_path: Path, files: dict[str, str], message: str) -> None:
    assert message in found(tmp_path, **files)


@pytest.mark.parametrize(
    "more",
    [
        "{% if record.txt is defined %}{{ record.txt }}{% endif %}",
        "{{ record.txt | default('') }}",
        "{% set record = {'txt': 1} %}{{ record.txt }}",
        "{{ record.metadata.anything }}{{ record.sections.facts }}",
        "{{ record.text.upper() }}{{ record.text[:9] }}",
        "{% for record in [{'txt': 1}] %}{{ record.txt }}{% endfor %}",
        "{% for picture in record.images %}{{ picture.alt_text }}{% endfor %}",
        "{% for name, text in record.sections | items %}{{ name.anything }}{% endfor %}",
        "{{ criterion.examples[0].reason if criterion.examples }}{{ criterion.verdicts | join }}",
    ],
)
def test_a_template_is_not_accused_of_what_it_may_do(tmp_path: Path, more: str) -> None:
    assert found(tmp_path, prompts__judge_md=JUDGE + more) == ""


def test_a_thematic_break_is_no_front_matter(tmp_path: Path) -> None:
    assert found(tmp_path, criteria__rules_md="---\n\nDo no harm. Note: this is text.\n") == ""


def test_a_gate_that_nobody_can_answer_is_refused(tmp_path: Path) -> None:
    gate = "  look:\n    gate: Is it so?\n    fields: {answer: {type: yes_no}}\nmeasures:\n"
    write_files(tmp_path, {**FILES, "flows/mine.yaml": FLOW.replace("measures:\n", gate)})
    [study] = compose(["mine"], [], tmp_path)
    [problem] = gate_problems(study)
    assert problem.where.endswith("flows/mine.yaml:7") and "nobody could answer the gate 'look'" in problem.what
    assert "prefect server start" in str(problem.todo)


def test_what_a_check_says_does_not_depend_on_the_speed_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4 " + b"x" * (MAX_BYTES + 1))
    (tmp_path / "b.txt").write_text("A readable text.")
    clock: Any = iter(range(0, 10**9, 1000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    preview = preview_source(FileStorage(path=tmp_path))
    assert (preview.records, preview.rejects) == (1, 1)


def test_fields_of_a_flow_for_other_records_are_a_note(tmp_path: Path) -> None:
    write_files(tmp_path, {**FILES, "others.csv": "record_id,text,town,ground_truth.violating\n1,A post.,x,yes\n"})
    [study] = compose(["mine"], [f"records={tmp_path / 'others.csv'}", "columns.metadata.town=town"], tmp_path)
    assert "`by` names 'ward', which is no metadata of the 1 row" in "\n".join(study.notices)
