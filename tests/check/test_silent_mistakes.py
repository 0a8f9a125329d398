"""Mistakes that compose and would make a scholar's result wrong: the check names each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StudyError
from contract.storage import FileStorage
from flows.check.preview import MAX_BYTES, preview_source
from flows.cli.main import main
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
    "a method by the filter attr": (
        {"prompts__judge_md": f"{JUDGE}{{{{ record.text | attr('upper') }}}}\n"},
        "prompts/judge.md:4: `record.text.upper`: it is a method; write .upper() to call it",
    ),
    "a field of a second name for the record": (
        {"prompts__judge_md": f"{JUDGE}{{% set r = record %}}{{{{ r.txt }}}}\n"},
        "prompts/judge.md:4: `r.txt`: a record has no such field; did you mean 'r.text'?",
    ),
    "a second name that is set twice": (
        {"prompts__judge_md": f"{JUDGE}{{% set r = record %}}{{% set r = record %}}{{{{ r.txt }}}}\n"},
        "prompts/judge.md:4: `r.txt`: a record has no such field; did you mean 'r.text'?",
    ),
    "a field of each item, by map": (
        {"prompts__judge_md": f"{JUDGE}{{{{ criterion.examples | map(attribute='verdit') | join }}}}\n"},
        "prompts/judge.md:4: `items.verdit`: there is no such field; did you mean 'items.verdict'?",
    ),
    "a field of each item, by selectattr and a loop": (
        {
            "prompts__judge_md": f"{JUDGE}{{% for one in criterion.examples | selectattr('resaon') | list %}}"
            "{{ one.txt }}{% endfor %}\n"
        },
        "prompts/judge.md:4: `items.resaon`: there is no such field; did you mean 'items.reason'?",
    ),
    "a field of a loop over a sorted list": (
        {
            "prompts__judge_md": f"{JUDGE}{{% for one in criterion.examples | sort(attribute='verdict') | list %}}"
            "{{ one.txt }}{% endfor %}\n"
        },
        "prompts/judge.md:4: `one.txt`: there is no such field; did you mean 'one.text'?",
    ),
    "metadata that no record has": (
        {"prompts__judge_md": f"{JUDGE}{{{{ record.metadata.wards }}}}{{{{ record.metadata.ward }}}}\n"},
        "prompts/judge.md:4: `record.metadata.wards` is no metadata of the 6 rows; did you mean "
        "'record.metadata.ward'?; their metadata are ward",
    ),
    "metadata that no record has, in a condition": (
        {
            "flows__mine_yaml": FLOW.replace(
                "    agent: judge\n", "    agent: judge\n    when: record.metadata.wards == 'a'\n"
            )
        },
        "the condition 'record.metadata.wards == 'a'': `record.metadata.wards` is no metadata of the 6 rows; did you "
        "mean 'record.metadata.ward'?; their metadata are ward",
    ),
    "a field of a constant that is joined": (
        {"prompts__judge_md": f"{JUDGE}{{{{ 'x'.uper ~ 'y' }}}}\n"},
        "prompts/judge.md:4: `'x'.uper`: it is no object and has no fields",
    ),
    "a function that is not called": (
        {"prompts__judge_md": f"{JUDGE}{{{{ range }}}}\n"},
        "prompts/judge.md:4: `range`: it is a function of templates; write range(…) to call it",
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
    "a misspelt truth of several criteria": (
        {
            "criteria__others_md": "---\ntitle: Others\n---\nDo good.\n",
            "flows__mine_yaml": FLOW.replace("truth: violating", "truth: violatng").replace(
                "parameters: {criteria: rules, model: m}", "variants: {criteria: [rules, others], model: [m]}"
            ),
        },
        "flows/mine.yaml:9: `truth` names 'violatng', which no answer of people in 'posts' is called; "
        "did you mean 'violating'?",
    ),
    "a truth that is the column's name": (
        {"flows__mine_yaml": FLOW.replace("truth: violating", "truth: coder")},
        "mine.yaml:9: `truth` names 'coder', which no answer of people in 'posts' is called; there is only violating",
    ),
    "a truth with its place": (
        {"flows__mine_yaml": FLOW.replace("truth: violating", "truth: ground_truth.violating")},
        "flows/mine.yaml:9: `truth` names 'ground_truth.violating', which no answer of people in 'posts' is called; "
        "did you mean 'violating'?",
    ),
    "a storage without its type": (
        {"storage__posts_yaml": "posts: {path: posts.jsonl}\n"},
        "storage/posts.yaml:1: `type` is missing here; write for example type: file",
    ),
    "a filter that is not deterministic": (
        {"prompts__judge_md": f"{JUDGE}{{{{ [1, 2] | random }}}}\n"},
        "prompts/judge.md:4: the filter 'random' gives another text each time",
    ),
    "a role that is misspelt": (
        {"prompts__judge_md": f"system:\nJudge.\n{JUDGE.replace('user:', 'usr:')}"},
        "prompts/judge.md:3: 'usr:' is taken as text; a role is written `user:`",
    ),
    "a folder that is misspelt": (
        {"prompts__judge_md": JUDGE, "prompt__judge_md": JUDGE},
        "prompt/ is not read; did you mean prompts/?",
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
        "{% set r = record %}{% set r = {'txt': 1} %}{{ r.txt }}",
        "{% set t = record %}{{ t.text }}{{ t | attr('text') }}",
        "{% for i in range(3) %}{{ i }}{% endfor %}{% for range in [1] %}{{ range }}{% endfor %}",
        "{{ record.metadata.ward }}{{ record['metadata']['ward'] }}{{ record.sections.facts }}",
        "{% if 'town' in record.metadata %}{{ record.metadata.town }}{% endif %}{{ record.metadata.town | d('') }}",
        "{{ record.metadata.get('town') }}{{ record.metadata.items() | list }}",
        "{{ criterion.examples | map(attribute='verdict') | join }}{{ record.metadata | dictsort | map(attribute=0) }}",
        "{{ record.images | map(attribute='nothing', default='') | list }}",
        "Users:\n{{ record.text }}\nUse:\n{{ record.text }}",
        "{{ record.text.upper() }}{{ record.text[:9] }}",
        "{% for record in [{'txt': 1}] %}{{ record.txt }}{% endfor %}",
        "{% for picture in record.images %}{{ picture.alt_text }}{% endfor %}",
        "{% for name, text in record.sections | items %}{{ name.anything }}{% endfor %}",
        "{{ criterion.examples[0].reason if criterion.examples }}{{ criterion.verdicts | join }}",
    ],
)
def test_a_template_is_not_accused_of_what_it_may_do(tmp_path: Path, more: str) -> None:
    assert found(tmp_path, prompts__judge_md=JUDGE + more) == ""


@pytest.mark.parametrize("flow", ["osb", "tox", "trans", "vaw", "judger", "debate", "panel"])
def test_a_flow_of_ours_is_not_accused(flow: str) -> None:
    [study] = compose([flow], [], None, require_request=False)
    assert [notice for notice in study.notices if "template" in notice] == []


def test_labels_that_yaml_reads_as_true_and_false_are_one_mistake(tmp_path: Path) -> None:
    labels = FLOW.replace("'yes': violates, 'no': does_not_violate", "yes: yes, no: no")
    [mistake] = [line for line in found(tmp_path, flows__mine_yaml=labels).splitlines() if "mine.yaml:10" in line]
    assert "`labels` needs quotation marks around yes, no, on, off, true and false, on both sides" in mistake


@pytest.mark.parametrize(
    ("verdicts", "message"),
    [
        ("[yes, no]", "rules.md:3: yes, no, true and false need quotation marks here; write verdicts: ['yes', 'no'], "
         "and verdict: 'yes' in the examples"),
        ("['yes', 'no']", "rules.md:5: yes, no, true and false need quotation marks here; write verdict: 'yes' or"),
    ],
)  # fmt: skip
def test_words_of_yaml_in_verdicts_and_examples_are_told_at_once(tmp_path: Path, verdicts: str, message: str) -> None:
    front = f"title: Rules\nverdicts: {verdicts}\nexamples:\n  - {{text: Oh., verdict: yes}}"
    assert message in found(tmp_path, criteria__rules_md=f"---\n{front}\n---\nDo no harm.\n")


def test_the_only_name_is_not_listed_beside_the_nearest_one(tmp_path: Path) -> None:
    told = found(tmp_path, flows__mine_yaml=FLOW.replace("truth: violating", "truth: violatng"))
    assert told.endswith("did you mean 'violating'?")
    told = found(tmp_path, flows__mine_yaml=FLOW.replace("model: m}", "model: M}"))
    assert "there is only" not in told


def test_a_thematic_break_is_no_front_matter(tmp_path: Path) -> None:
    assert found(tmp_path, criteria__rules_md="---\n\nDo no harm. Note: this is text.\n") == ""


GRADED = "---\ntitle: Rules\nverdicts: [calm, sharp, cruel]\n---\nDo no harm.\n"
LABELS = "  labels: {'yes': violates, 'no': does_not_violate}\n"
NO_POSITIVE = (
    "note: precision, recall and F1 are left out, since no verdict is named as the positive one; write `positive:` "
    "under `measures:` with one of calm, cruel, sharp"
)


def graded(folder: Path, measures: str, *answers: object) -> list[str]:
    """What the check says where people gave those answers and the criterion has verdicts of its own."""
    posts = [{**POSTS[0], "record_id": n, "ground_truth": {"violating": one}} for n, one in enumerate(answers)]
    return found(
        folder,
        flows__mine_yaml=FLOW.replace(LABELS, measures),
        criteria__rules_md=GRADED,
        **{"posts.jsonl": "".join(json.dumps(post) + "\n" for post in posts)},
    ).splitlines()


@pytest.mark.parametrize(
    ("measures", "answers", "positive", "note"),
    [
        (
            "  labels: {'yes': cruel, 'no': calm}\n",
            ("yes", "no"),
            "cruel",
            "note: precision, recall and F1 are about 'cruel', which people's answer 'yes' means; `positive:` under "
            "`measures:` names another verdict",
        ),
        ("", ("calm", "cruel"), None, NO_POSITIVE),
        ("  labels: {'yes': sharp, 'true': cruel}\n", ("yes", "true"), None, NO_POSITIVE),
        ("  positive: cruel\n", ("calm", "cruel"), "cruel", None),
        ("  positive: null\n", ("calm", "cruel"), None, None),
    ],
)
def test_the_positive_verdict_is_one_that_judges_may_give(
    tmp_path: Path, measures: str, answers: tuple[str, ...], positive: str | None, note: str | None
) -> None:
    said = graded(tmp_path, measures, *answers)
    assert [line for line in said if "precision" in line] == ([note] if note else [])
    [study] = compose(["mine"], [], tmp_path)
    assert study.flow.measures is not None
    assert study.flow.measures.positive == positive


ORDER = "  level: ordinal\n  order: [calm, sharp, cruel]\n"


OFF_SCALE: list[tuple[str, tuple[object, ...], str]] = [
    (ORDER, ("mean", "kind"), "people's answers are 'kind', 'mean', which are not in `order`; write what each "
     "means: labels.mean=VERDICT labels.kind=VERDICT, or the same under `labels:` below `measures:` of the flow, with "
     "one of calm, cruel, sharp in the place of VERDICT, or `missing` for no answer"),
    (ORDER, (1, 2), "labels.1=VERDICT labels.2=VERDICT, or the same under `labels:` below `measures:` of the flow (or "
     "for numbers a cut such as 'labels.>=0.5=VERDICT')"),
    (ORDER, ("calm", "mean"), "note: 'posts': people's answers are also 'mean', which are not in `order`; these "
     "records are left out of what is compared with people"),
    ("  level: interval\n", ("kind", "mean"), "people's answers are 'kind', 'mean', which are no numbers; if they "
     "mean that nobody answered, write labels.kind=missing labels.mean=missing"),
    ("  level: ratio\n", (-1, -2), "people's answers are '-1', '-2', which are no numbers from 0"),
]  # fmt: skip


def test_verdicts_that_are_no_numbers_have_no_distances(tmp_path: Path) -> None:
    words = "flows/mine.yaml:10: `level: interval` needs verdicts that are numbers; the verdicts are calm, cruel, sharp"
    assert words in "\n".join(graded(tmp_path, "  level: interval\n", 1, 2))


def test_a_verdict_has_one_place_in_the_order(tmp_path: Path) -> None:
    twice = "  level: ordinal\n  order: [calm, sharp, cruel, sharp]\n"
    said = "\n".join(graded(tmp_path, twice, "calm"))
    assert "flows/mine.yaml:11: 'sharp' has two places in `order`; keep the place that is meant" in said


@pytest.mark.parametrize(("measures", "answers", "message"), OFF_SCALE)
def test_answers_of_people_off_the_scale_are_named_before_anything_is_paid(
    tmp_path: Path, measures: str, answers: tuple[object, ...], message: str
) -> None:
    [said] = [line for line in graded(tmp_path, measures, *answers) if "people's answers" in line]
    assert message in said
    assert said.startswith("note: ") == message.startswith("note: ")


GATE = "  look:\n    gate: Is it so?\n    fields: {answer: {type: yes_no}}\nmeasures:\n"


@pytest.mark.parametrize("verb", ["check", "plan"])
@pytest.mark.parametrize("api_url", ["", "http://127.0.0.1:9/api"])
def test_what_waits_for_a_person_is_noted_before_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, verb: str, api_url: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", api_url)
    write_files(tmp_path, {**FILES, "flows/mine.yaml": FLOW.replace("measures:\n", GATE)})
    assert main([verb, "--config-dir", str(tmp_path)], "mine") == 0
    asked, how, *unattended = [line for line in capsys.readouterr().err.splitlines() if "wait" in line.lower()]
    assert asked == "note: 'look' waits for a person, once for each record: Is it so?"
    assert ("with a form at the server's page" in how) == bool(api_url)
    form = "note: without a terminal a run waits up to 3,600 s for a form; with run.ask=later it waits for none"
    assert unattended == ([form] if api_url else [])


def test_rows_of_another_encoding_that_cannot_be_read_are_shown_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["record_id,text,ground_truth.violating,ward", "9,A post.,no,west"]
    lines += [f"{number},Ein Café und mehr.,yes,east" for number in range(5)]
    storage = "posts: {type: file, path: posts.csv, encoding: utf-8}\n"
    write_files(tmp_path, {**FILES, "storage/posts.yaml": storage, "posts.csv": "\n".join(lines).encode("cp1252")})
    assert main(["check", "--config-dir", str(tmp_path)], "mine") == 0
    shown = capsys.readouterr().out
    assert "of the 6 rows 1 can be read, 5 cannot" in shown
    assert "posts.csv:3: holds bytes that are not utf-8; if the file is from Excel, try encoding=cp1252" in shown
    write_files(tmp_path, {"storage/posts.yaml": storage.replace("utf-8", "cp1252")})
    assert main(["check", "--config-dir", str(tmp_path)], "mine") == 0
    assert "of the 6 rows 6 can be read, 0 cannot" in capsys.readouterr().out


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
