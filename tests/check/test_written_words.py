"""Words as they are written: numbers of YAML, and what a text processor makes of hyphens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.cli.main import main
from tests.check.test_silent_mistakes import FLOW, POSTS, found

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
