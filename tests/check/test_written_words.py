"""Words as they are written: numbers of YAML, and what a text processor makes of hyphens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.compose.compose import compose
from tests.check.test_silent_mistakes import FILES, FLOW, POSTS, found
from tests.support.commands import write_files

_CRITERION = (
    "---\ntitle: Rules\nverdicts: [{verdicts}]\nexamples: [{{text: A post., verdict: {first}}}]\n---\nDo no harm.\n"
)


@pytest.mark.parametrize(
    "verdicts", ["0, 1", "01, 02", "010, 011", "1:30, 2:30", "1.10, 1.20", "0x1f, 1_000", "1e3, 2.50", "2020-01-01, 7"]
)
@pytest.mark.parametrize("measures", ["order", "labels", "positive"])
def test_a_verdict_is_the_word_that_stands_in_the_file(tmp_path: Path, verdicts: str, measures: str) -> None:
    first, second = verdicts.split(", ")
    written = {
        "order": f"level: ordinal\n  order: [{verdicts}]",
        "labels": f"labels: {{{first}: {second}, {second}: {first}}}",
        "positive": f"positive: {second}",
    }[measures]
    posts = [{**post, "ground_truth": {"violating": first}} for post in POSTS]
    said = found(
        tmp_path,
        flows__mine_yaml=FLOW.replace("labels: {'yes': violates, 'no': does_not_violate}", written),
        criteria__rules_md=_CRITERION.format(verdicts=verdicts, first=first),
        **{"posts.jsonl": "".join(json.dumps(post) + "\n" for post in posts)},
    )
    assert not [line for line in said.splitlines() if "precision, recall and F1" not in line], said


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"criteria__rules_md": "———\ntitle: Rules\n———\nDo no harm.\n"}, "rules.md:1: the first line is of long"),
        ({"criteria__rules_md": "—-\n\ntitle: Rules\n—-\nDo no harm.\n"}, "write it with hyphens: ---"),
        ({"flows__mine_yaml": FLOW.replace("  by: [ward]", "  by:\n  — ward\n")}, "write it with a hyphen: `- ward`"),
        ({"flows__mine_yaml": FLOW.replace("  by: [ward]", "  by:\n    – ward\n")}, "write by: [ward]"),
        ({"flows__mine_yaml": FLOW.replace("  by:", "  —by:")}, "did you mean 'by'?"),
    ],
)  # fmt: skip
def test_long_dashes_are_told(tmp_path: Path, files: dict[str, str], says: str) -> None:
    assert says in found(tmp_path, **files)


def test_a_rule_above_a_text_is_no_front_matter(tmp_path: Path) -> None:
    assert found(tmp_path, criteria__rules_md="———\nDo no harm: none at all.\n") == ""


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["check", "—json"], "—json: an option begins with two hyphens; did you mean '--json'?; write --json"),
        (["—config-dir", "study"], "did you mean '--config-dir'?"),
        (["check", "−config_dir=study"], "write --config-dir=study"),
        (["check", "–sample=3"], "a setting is written without dashes, as name=value; write sample=3"),
    ],
)
def test_an_option_pasted_from_a_text_processor(
    typed: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"flows__mine_yaml": FLOW.replace("  judge:\n", " \u00a0judge:\n", 1)}, "mine.yaml:4"),
        ({"flows__mine_yaml": FLOW.replace("agent: judge", "agent:\u00a0judge")}, "mine.yaml:5"),
        ({"flows__mine_yaml": FLOW.replace("    agent:", "\u00a0\u00a0\u00a0 agent:")}, "mine.yaml:5"),
        ({"criteria__rules_md": "---\ntitle:\u00a0Rules\nverdicts: [a, b]\n---\nDo no harm.\n"}, "rules.md:2"),
    ],
)
def test_a_space_that_is_no_blank_to_yaml_is_named(tmp_path: Path, files: dict[str, str], line: str) -> None:
    [said] = found(tmp_path, **files).splitlines()
    assert line in said and "the line holds a no-break space" in said


def test_a_no_break_space_within_a_text_is_no_mistake(tmp_path: Path) -> None:
    text = "---\ntitle: Zehn\u00a0Regeln\n---\nTun\u00a0Sie:\u00a0nichts.\n"
    assert found(tmp_path, criteria__rules_md=text) == ""


@pytest.mark.parametrize("title", ["Rule # 1", "Rule #2, on words"])
def test_a_number_sign_does_not_cut_a_title(tmp_path: Path, title: str) -> None:
    said = found(tmp_path, criteria__rules_md=f"---\ntitle: {title}\n---\nDo no harm.\n")
    assert f'rules.md:2: YAML leaves out what follows a blank and #; write `title: "{title}"`' in said
    for written in (f'title: "{title}"', "title: Rule  # a draft", f"title: Rule\n# {title}"):
        assert found(tmp_path, criteria__rules_md=f"---\n{written}\n---\nDo no harm.\n") == ""


@pytest.mark.parametrize("end", ["/chat/completions", "/responses/"])
def test_an_address_for_one_kind_of_request_is_named_with_the_right_one(tmp_path: Path, end: str) -> None:
    model = f"m: {{kind: hosted, provider: openai-compatible, model_id: x, base_url: 'http://127.0.0.1:9/v1{end}'}}\n"
    said = found(tmp_path, models__m_yaml=model)
    assert f"ends in `{end.rstrip('/')}`, which each call adds by itself; write http://127.0.0.1:9/v1" in said


def test_a_label_that_is_nearly_an_answer_is_told(tmp_path: Path) -> None:
    labels = "labels: {'yes': violates, 'no': does_not_violate, 'yess': violates, 'maybe': unclear}"
    flow = FLOW.replace("labels: {'yes': violates, 'no': does_not_violate}", labels)
    posts = [{**post, "ground_truth": {"violating": "yes"}} for post in POSTS]
    assert "yess" not in found(tmp_path, flows__mine_yaml=flow), "there is a label for the answer that it is near to"
    posts = [{**post, "ground_truth": {"violating": "violates"}} for post in POSTS]
    lines = "".join(json.dumps(post) + "\n" for post in posts)
    said = found(tmp_path, flows__mine_yaml=flow.replace("'yess'", "'violats'"), **{"posts.jsonl": lines})
    assert "the label 'violats' stands for no answer of people here; did you mean 'violates'?" in said
    assert "'maybe' stands" not in said


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["check", "+flows=[osb,", "tox]"], "the list is cut at its blanks; write +flows='[osb,tox]'"),
        (["list", "--config-dir", "nope"], "--config-dir nope: there is no such folder"),
    ],
)
def test_what_a_shell_divides_and_a_folder_that_is_not_there_are_one_mistake(
    typed: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(typed) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("command line:") == 1


def test_a_choice_of_models_that_changes_nothing_is_told(tmp_path: Path) -> None:
    own = "m: {kind: scripted, path: m.jsonl}\nother: {kind: scripted, path: m.jsonl}\n"
    files = {"llms/mine.yaml": "general: other\nresearchers: [other]\n", "models/m.yaml": own}
    folder = write_files(tmp_path, {**FILES, **files})
    [study] = compose(["mine"], ["llms=mine"], folder)
    assert any(
        "llms=mine changes nothing in 'mine': its steps name their models themselves (m)" in one
        for one in study.notices
    )
    write_files(folder, {"flows/mine.yaml": FLOW.replace("model: m}", 'model: "${llms.general}"}')})
    [study] = compose(["mine"], ["llms=mine"], folder)
    assert not any("changes nothing" in one for one in study.notices)
