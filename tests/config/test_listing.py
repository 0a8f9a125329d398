"""Criteria documents, and the list of all that a study may name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.prompting.criteria import Criteria
from contract.errors import PromptError
from flows.cli.main import main
from flows.config.folders import search_folders
from flows.config.listing import list_all
from tests.compose.tiny_study import write_study

DOCUMENT = "---\ntitle: A rule\nauthor: We\nretrieved: 2025-01-01\n---\nDo no harm.\n"


@pytest.mark.parametrize("ending", ["md", "txt", "j2", "jinja2"])
def test_a_criterion_is_read_with_its_front_matter(tmp_path: Path, ending: str) -> None:
    write_study(tmp_path, {f"criteria/rule.{ending}": DOCUMENT})
    found = Criteria(search_folders(tmp_path)).get("rule")
    assert (found.name, found.title, found.text) == ("rule", "A rule", "Do no harm.")
    assert found.about["retrieved"] == "2025-01-01"
    assert len(found.digest) == 64


def test_a_criterion_may_be_its_text() -> None:
    found = Criteria(search_folders(None)).get("Do no harm to anybody.")
    assert (found.name, found.text) == ("literal", "Do no harm to anybody.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"---\ntitle: x\n---\n", "there is no text below the front matter"),
        (b"---\ntitle: [\n---\nx", "the bracket [ opens on this line"),
        (b"caf\xe9", "not in UTF-8"),
    ],
)
def test_a_bad_criterion_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    write_study(tmp_path, {"criteria/rule.md": content})
    with pytest.raises(PromptError, match=re.escape(message)):
        Criteria([tmp_path]).get("rule")


def test_an_unknown_criterion_names_the_nearest() -> None:
    with pytest.raises(PromptError, match="did you mean 'ordinary'"):
        Criteria(search_folders(None)).get("ordinery")


@pytest.mark.parametrize("word", ["flows", "flow", "mine"])
def test_a_kind_or_a_name_is_listed_alone(tmp_path: Path, word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", word, "--config-dir", str(write_study(tmp_path, {}))]) == 0
    listed = capsys.readouterr().out
    assert "mine" in listed and "\ncriterion\n" not in listed


def test_a_word_that_is_no_kind_and_no_name_is_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "survey").mkdir()
    assert main(["list", "survey", "flow_s"]) == 2
    message = capsys.readouterr().err
    assert "write list --config-dir survey" in message and "did you mean 'flows'" in message


def test_everything_is_listed(tmp_path: Path) -> None:
    write_study(
        tmp_path,
        {"criteria/rule.md": DOCUMENT, "flows/broken.yaml": "a: [", "models/mine.yaml": "demo: {kind: scripted}\n"},
    )
    found = {(listed.kind, listed.name): listed for listed in list_all(tmp_path)}
    assert found["flow", "mine"].about == "A question, a search, an answer."
    assert found["flow", "broken"].about.startswith("the bracket")
    assert found["criterion", "rule"].about == "A rule"
    assert found["model", "demo"].about == "scripted"
    assert found["llms", "embedded"].about == "demo, demo_average"
    assert found["storage", "osb"].about.startswith("Oversight Board decisions")
    assert {("flow", "osb"), ("agent", "researcher"), ("prompt", "researcher"), ("criterion", "ordinary")} <= set(found)
