"""What `--help` prints: an overview, and a page for each verb with commands that can be typed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.cli.script import translate
from flows.cli.verbs import VERBS
from flows.compose.compose import compose

STUDIES = [name for name, verb in VERBS.items() if verb.takes_settings]


def _page(capsys: pytest.CaptureFixture[str], *words: str, flow: str | None = None) -> list[str]:
    assert main([*words, "--help"], flow) == 0
    return capsys.readouterr().out.splitlines()


def test_the_overview_has_a_line_for_each_verb(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _page(capsys)
    assert [name for name in VERBS if not any(line.startswith(f"  {name} ") for line in lines)] == []
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_a_page_of_its_own(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    lines = _page(capsys, verb)
    assert lines[0] == f"{verb}: {VERBS[verb].does}"
    assert sum(f"flows {verb}" in line for line in lines) == len(VERBS[verb].examples)
    assert max(map(len, lines)) <= 80
    assert not any(f"  {other} " in line for line in lines for other in VERBS if other != verb)


@pytest.mark.parametrize("verb", STUDIES)
@pytest.mark.parametrize("as_script", [False, True])
def test_the_commands_of_a_page_are_read_as_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str, as_script: bool
) -> None:
    (tmp_path / "my_posts.csv").write_text("record_id,body,text\n1,A post.,A post.\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for variable in ("GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(variable, "k")
    for example in VERBS[verb].examples:
        settings = [word for word in shlex.split(example.words) if word not in ("live=true", "reembed=true")]
        flow = example.flow
        if as_script:
            words = translate([verb, *([flow] if flow else []), *settings], tmp_path)
            flow, settings = words.flow, [word for word in words.arguments if word != verb]
        assert compose([flow] if flow else [], settings, None, require_request=False)


def test_a_flow_of_its_own_shows_only_what_is_about_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("records=" in line for line in _page(capsys, "run", flow="osb")[:5])


def test_help_on_a_word_that_is_no_verb_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plna", "--help"]) == 2
    assert "did you mean 'plan'" in capsys.readouterr().err
