"""Criteria: verdicts and examples in the front matter, mistakes with their lines, and the criteria that are shipped."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.prompting.criteria import Criteria
from contract.errors import PromptError
from tests.support.shipped import CONF

SHIPPED = ("hate_policy", "ordinary", "power", "trans_reporting", "vaw_reporting")


def write_criterion(folder: Path, head: str, text: str = "Do no harm.") -> Criteria:
    """Writes the criterion `rule` into the folder; returns the folder's criteria."""
    (folder / "criteria").mkdir(exist_ok=True)
    (folder / "criteria" / "rule.md").write_text(f"---\n{head}\n---\n{text}\n", encoding="utf-8")
    return Criteria([folder])


def test_verdicts_and_examples_are_read(tmp_path: Path) -> None:
    examples = "examples:\n  - {text: Hello., verdict: 1}\n  - {text: Fire!, verdict: 3, reason: hot}"
    found = write_criterion(tmp_path, f"title: Heat\nverdicts: [1, 2, 3]\n{examples}").get("rule")
    assert found.verdicts == ("1", "2", "3")
    assert [(example.text, example.verdict, example.reason) for example in found.examples] == [
        ("Hello.", "1", ""),
        ("Fire!", "3", "hot"),
    ]
    assert dict(found.about) == {"title": "Heat"}


@pytest.mark.parametrize(
    ("head", "line", "message"),
    [
        ("title: x\nverdicts: yes", 3, "verdicts should be a list"),
        ("title: x\nverdicts: [one]", 3, "two or more different words"),
        ("title: x\nverdicts: [a, a]", 3, "two or more different words"),
        ("title: x\nverdicts: [yes, no]", 3, "need quotation marks"),
        ("title: x\nexamples: none", 3, "examples should be a list"),
        ("examples:\n  - {text: a, verdict: violates}\n  - {text: b}", 4, "it lacks `verdict`"),
        ("examples:\n  - {text: a, verdict: violates}\n  - b", 4, "an example should be text, verdict"),
        ("examples:\n  - {text: a, verdict: guilty}", 3, "the example's verdict 'guilty' is none of violates"),
        ("examples:\n  - {text: a, verdict: violates, because: b}", 3, "`because` is none of them$"),
        ("title: x\nexampels:\n  - {text: a, verdict: violates}", 3, "`exampels` would not be read; .*`examples`"),
        (
            "examples: none\ntitle: x\nexamples:\n  - {text: a, verdict: guilty}",
            4,
            "'examples' appears twice here, first on line 2",
        ),
        ("examples:\n  - {text: a, verdict: violates, text: b}", 3, "'text' appears twice here"),
        ("Verdicts: [a, b]", 2, "`Verdicts` would not be read; .*`verdicts`"),
    ],
)
def test_a_wrong_shape_is_reported_with_its_line(tmp_path: Path, head: str, line: int, message: str) -> None:
    with pytest.raises(PromptError, match=message) as caught:
        write_criterion(tmp_path, head).get("rule")
    assert str(caught.value).startswith(f"{tmp_path / 'criteria' / 'rule.md'}:{line}: ")


def test_front_matter_without_its_first_line_is_no_text(tmp_path: Path) -> None:
    criteria = write_criterion(tmp_path, "title: x")
    file = tmp_path / "criteria" / "rule.md"
    file.write_text("title: Heat\nverdicts: [cold, hot]\n---\nIs it hot?\n", encoding="utf-8")
    with pytest.raises(PromptError, match=r"rule.md:1: the line `---` above the front matter is missing"):
        criteria.get("rule")
    file.write_text("title: a word that a rule may begin with\n\nIs it hot?\n", encoding="utf-8")
    assert criteria.get("rule").text.startswith("title: a word")


def test_a_criterion_is_read_once_so_that_all_records_are_judged_by_the_same(tmp_path: Path) -> None:
    criteria = write_criterion(tmp_path, "title: x", "Before.")
    assert criteria.get("rule").text == "Before."
    write_criterion(tmp_path, "title: x", "After.")
    assert criteria.get("rule").text == "Before."


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_criteria_name_their_source_and_have_examples_of_both_verdicts(name: str) -> None:
    found = Criteria([CONF]).get(name)
    assert {"title", "author", "source", "retrieved"} <= set(found.about)
    assert 8 <= len(found.examples) <= 16
    assert {example.verdict for example in found.examples} == {"violates", "does_not_violate"}
    assert all(example.reason for example in found.examples)
    assert len({example.text for example in found.examples}) == len(found.examples)
