"""Names that a template or a condition asks of a value and that cannot be there: found before a model is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.errors import StudyError
from flows.compose.compose import compose
from tests.support.commands import write_files

FLOW = """\
description: Posts are judged by two models.
records: posts
steps:
  verdicts: {agent: judge, parameters: {criteria: rules}, variants: {model: [m, n]}}
  weigh:
    agent: verdict_synthesiser
    when: CONDITION
    parameters: {model: m}
    inputs: {answers: verdicts}
  write:
    agent: llm
    when: OTHER
    parameters: {model: m, template: mine}
    inputs:
      material: WIRED
result: write
"""
FILES: dict[str, str | bytes] = {
    "storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
    "posts.jsonl": '{"record_id": "1", "text": "A post.", "_id": "x"}\n',
    "criteria/rules.md": "---\ntitle: Rules\n---\nDo no harm.\n",
    "models/m.yaml": "m: {kind: scripted, path: m.jsonl}\nn: {kind: scripted, path: m.jsonl}\n",
    "models/m.jsonl": '{"reply": "no"}\n',
    "m.jsonl": '{"reply": "no"}\n',
}
WEIGH = "user:\n{{ criterion.text }}{{ answers | length }}\n"


def found(
    folder: Path,
    *,
    weigh: str = "",
    mine: str = "",
    condition: str = "verdicts",
    other: str = "verdicts",
    wired: str = "verdicts",
) -> str:
    """All that the check says of the study with those lines in its templates and those conditions."""
    flow = FLOW.replace("CONDITION", condition).replace("OTHER", other).replace("WIRED", wired)
    templates = {
        "prompts/verdict_synthesiser.md": f"{WEIGH}{weigh}\n",
        "prompts/mine.md": f"user:\n{{{{ material | length }}}}\n{mine}\n",
    }
    write_files(folder, {**FILES, "flows/mine.yaml": flow, **templates})
    try:
        [study] = compose(["mine"], [], folder)
    except StudyError as error:
        return "\n".join(map(str, error.problems))
    return "\n".join(f"note: {notice}" for notice in study.notices)


CONDITIONS = {
    "verdicts[0].verdikt == 'x'": "no field 'verdikt'; did you mean 'verdicts[0].verdict'?; its fields are answers,",
    "(verdicts | first).verdikt": "did you mean '(verdicts | first).verdict'?",
    "verdicts[0].reasons[0].aplies == 'yes'": "did you mean 'verdicts[0].reasons[0].applies'?",
    "verdicts[:1][0].verdikt": "did you mean 'verdicts[:][0].verdict'?",
    "verdicts | map(attribute='verdikt') | list": "no field 'verdikt'; did you mean 'items.verdict'?",
    "verdicts | selectattr('verdikt', 'eq', 'violates') | list": "did you mean 'items.verdict'?",
    "(verdicts or [])[0].verdikt": "there is no field 'verdikt'",
    "verdicts['verdict']": "it is a list; use a filter such as | length",
    "verdicts[0].verdict.upper": "it has no fields",
    "''.__class__": "there is no field '__class__'; names that begin with two underscores are closed to conditions",
    "record.__class__ or verdicts[0].__class__": "there is no field '__class__'",
    "verdicts[0].reasons > 2": "compares 'verdicts[0].reasons', which is a list, with a number",
    "previous.verdicts": "there is no turn before, since 'weigh' is in no loop",
}


@pytest.mark.parametrize(("condition", "message"), CONDITIONS.items(), ids=CONDITIONS)
def test_a_wrong_name_in_a_condition_is_found(tmp_path: Path, condition: str, message: str) -> None:
    said = found(tmp_path, condition=f'"{condition}"')
    assert f"flows/mine.yaml:7: the condition '{condition}'" in said
    assert message in said


TEMPLATES = {
    "{% for m in answers %}{{ m.verdikt }}{% endfor %}": "`m.verdikt`: there is no such field; did you mean 'm.verdict",
    "{% for m in answers %}{% for r in m.reasons %}{{ r.rul }}{% endfor %}{% endfor %}": "`r.rul`: there is no such "
    "field; did you mean 'r.rule'?",
    "{% for m in answers %}{% if m.verdikt == 'x' %}y{% endif %}{% endfor %}": "`m.verdikt`",
    "{% for m in answers if m.verdikt %}y{% endfor %}": "`m.verdikt`",
    "{% for m in answers | sort(attribute='verdikt') %}y{% endfor %}": "`items.verdikt`",
    "{% for row in answers | batch(2) %}{% for m in row %}{{ m.verdikt }}{% endfor %}{% endfor %}": "`m.verdikt`",
    "{% for r in answers | map(attribute='reasons') | first %}{{ r.rul }}{% endfor %}": "`r.rul`",
    "{% set all = answers | list %}{% for m in all %}{{ m.verdikt }}{% endfor %}": "`m.verdikt`",
    "{% set m = answers[0] %}{% set r = m.reasons[0] %}{{ r.rul }}": "`r.rul`",
    "{% with m = answers | first %}{{ m.verdikt }}{% endwith %}": "`m.verdikt`",
    "{% macro show(m) %}{{ m.verdikt }}{% endmacro %}{{ show(answers[0]) }}": "`m.verdikt`",
    "{% macro show(m) %}{{ m.verdikt }}{% endmacro %}{% for a in answers %}{{ show(m=a) }}{% endfor %}": "`m.verdikt`",
    "{{ (answers | first).verdikt }}": "`(answers | first).verdikt`",
    "{{ (answers or [])[0].verdikt }}{{ answers | default([]) | first }}": "`(…)[0].verdikt`",
    "{% for m in answers %}{{ m.verdict.text }}{% endfor %}": "`m.verdict.text`: it is no object and has no fields",
    "{{ answers.verdict }}": "`answers.verdict`: it is a list; go through it with",
    "{{ ''.__class__ }}": "`''.__class__`: names that begin with two underscores are closed to templates",
    "{{ ''['__class__'] }}": "`''.__class__`",
    "{{ answers | attr('__class__') }}": "`answers.__class__`",
    "{{ answers | map(attribute='__class__') | list }}": "`items.__class__`",
    "{{ [].__class__.__mro__ }}": "`(…).__class__`",
    "{{ record.metadata._id }}": "`record.metadata._id`: a name that begins with _ is read with brackets; write "
    "record.metadata['_id']",
}


@pytest.mark.parametrize(("line", "message"), TEMPLATES.items(), ids=TEMPLATES)
def test_a_wrong_name_in_a_template_is_found(tmp_path: Path, line: str, message: str) -> None:
    said = found(tmp_path, weigh=line)
    assert f"prompts/verdict_synthesiser.md:3: {message}" in said


WIRED = {
    ("verdicts", "{% for m in material %}{{ m.verdikt }}{% endfor %}"): "did you mean 'm.verdict'?",
    ("weigh.reasons[0]", "{{ material.aplies }}"): "did you mean 'material.applies'?",
    ("weigh", "{{ material.verdikt }}"): "did you mean 'material.verdict'?",
    ("[verdicts, weigh]", "{% for m in material %}{{ m.verdikt }}{% endfor %}"): "did you mean 'm.verdict'?",
    ("weigh.reasons", "{% for m in material %}{{ m.aplies }}{% endfor %}"): "did you mean 'm.applies'?",
    ("weigh or weigh", "{{ material.verdikt }}"): "did you mean 'material.verdict'?",
}


@pytest.mark.parametrize(("case", "message"), WIRED.items(), ids=map(str, WIRED))
def test_a_wrong_name_of_what_the_flow_wires_to_a_step_is_found(
    tmp_path: Path, case: tuple[str, str], message: str
) -> None:
    wired, line = case
    said = found(tmp_path, mine=line, wired=wired)
    assert "prompts/mine.md:3: `m" in said
    assert message in said


@pytest.mark.parametrize("wired", ["verdicts[0]", "weigh[0].verdict"])
def test_an_item_of_what_is_no_list_is_found(tmp_path: Path, wired: str) -> None:
    said = found(tmp_path, wired=wired)
    assert f"flows/mine.yaml:15: '{wired}': [0] stands where there is no list; its fields are answers, " in said


def test_a_condition_may_name_what_the_flow_wires_to_a_step(tmp_path: Path) -> None:
    assert "did you mean 'material[0].verdict'?" in found(tmp_path, other='"material[0].verdikt"')


RIGHT = [
    "{% for m in answers %}{{ m.label }}{{ m.verdict.upper() }}{{ m.reasons[0].quotes | join }}{% endfor %}",
    "{% for m in answers %}{{ m.verdikt | default('') }}{{ m.other if m.other is defined }}{% endfor %}",
    "{% for m in answers %}{{ m.codes.anything.value if m.codes is defined }}{% endfor %}",
    "{{ answers | selectattr('verdikt', 'defined') | list }}{{ answers | map(attribute='x', default='') | list }}",
    "{% for m in answers %}{{ m.label }}{% endfor %}{% for m in [{'x': 1}] %}{{ m.x }}{% endfor %}",
    "{% for m in answers %}{% set m = {'x': 1} %}{{ m.x }}{% endfor %}",
    "{% for m in answers %}{% for m, x in [[1, 2]] %}{{ m.y }}{% endfor %}{% endfor %}",
    "{% macro show(m) %}{{ m.x }}{% endmacro %}{{ show(answers[0] if 0 else {'x': 1}) }}",
    "{% macro show(m) %}{{ m.x }}{% endmacro %}{{ show({'x': 1}) }}{{ show(answers[0]) }}",
    "{% set ns = namespace(x=1) %}{% set ns.x = answers %}{{ ns.x }}{{ loop }}",
    "{% for g in answers | groupby('verdict') %}{{ g.grouper }}{{ g.list }}{% endfor %}",
    "{% set lines %}{% for m in answers %}{{ m.label }}{% endfor %}{% endset %}{{ lines | fence('x') }}",
    "{{ (answers + answers)[0].verdict }}{{ answers[0]['verdict'] }}{{ answers[-1].verdict }}{{ answers.index(1) }}",
    "{{ record.metadata['_id'] }}{{ record.metadata._id | default('') }}",
]


@pytest.mark.parametrize("line", RIGHT)
def test_a_template_is_not_accused_of_names_that_may_be_there(tmp_path: Path, line: str) -> None:
    assert "`" not in found(tmp_path, weigh=line.replace("{{ loop }}", ""))


@pytest.mark.parametrize(
    "condition",
    [
        "verdicts[0].verdict == 'violates'",
        "(verdicts | first).reasons | length > 1",
        "verdicts | map(attribute='verdict') | unique | list | length > 1",
        "verdicts | selectattr('verdict', 'eq', 'violates') | list | length >= 1",
        "record.metadata['_id'][0] or record.ground_truth",
        "verdicts[0].codes.tone.value == 'x'",
        "record.text.upper() == 'X' and verdicts[0].uncertainty | default('low') == 'low'",
    ],
)
def test_a_condition_is_not_accused_of_names_that_may_be_there(tmp_path: Path, condition: str) -> None:
    assert "mine.yaml:7" not in found(tmp_path, condition=f'"{condition}"')


LOOP = """\
description: Posts are judged in turns.
records: posts
steps:
  turns:
    max_rounds: 2
    until: TEST
    loop:
      verdicts: {agent: judge, parameters: {criteria: rules, model: m}}
      watch: {agent: owl, parameters: {model: m}, inputs: {answers: [verdicts]}, when: not previous.watch.raised}
result: verdicts
"""


@pytest.mark.parametrize(
    ("test", "message"),
    [
        ("not watch.raised", None),
        ("not previous.watch.raised", None),
        ("not watch.raisd", "there is no field 'raisd'; did you mean 'watch.raised'?"),
        ("not previous.watch.raisd", "there is no field 'raisd'; did you mean 'previous.watch.raised'?"),
        ("not previous.wach.raised", "there is no field 'wach'; did you mean 'previous.watch'?"),
    ],
)
def test_the_turn_before_is_looked_at_in_a_loop(tmp_path: Path, test: str, message: str | None) -> None:
    write_files(tmp_path, {**FILES, "flows/mine.yaml": LOOP.replace("TEST", test)})
    if message is None:
        assert compose(["mine"], [], tmp_path)
        return
    with pytest.raises(StudyError, match=r"mine\.yaml:6") as caught:
        compose(["mine"], [], tmp_path)
    assert message in str(caught.value)
