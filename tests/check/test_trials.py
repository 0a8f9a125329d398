"""Mistakes that scholars make, one at a time: one message each, in plain words, with a line that works when pasted."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.api.study import study as api_study
from flows.cli.main import main
from flows.cli.new_folder import make_folder

TRIALS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("trials.yaml").read_text(encoding="utf-8"))
POSTS = "nr,body,group,harmful\n1,You are vermin.,a,yes\n2,The ferry was late.,a,no\n3,They called us vermin.,b,no\n"
JARGON = re.compile(
    r"scheme|regular expression|pattern|unable to parse|mapping|scalar|dictionary|valid integer|Traceback|\bNone\b"
)
"""Words of libraries that mean nothing to somebody who does not program."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    monkeypatch.chdir(tmp_path)
    make_folder(["survey"])
    Path("my_posts.csv").write_text(POSTS, encoding="utf-8")
    capsys.readouterr()
    return tmp_path


def run(command: str) -> int:
    """Runs what is typed behind `python -m`, split as a shell splits it."""
    module, *arguments = shlex.split(command)
    return main(arguments, flow=module.partition(".")[2] or None)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial["name"])
def test_a_mistake_is_one_in_plain_words(
    trial: dict[str, Any], study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, edit in trial.get("edits", {}).items():
        _edit(study / name, edit)
    assert run(trial["command"]) == 2
    shown = [line for line in capsys.readouterr().err.splitlines() if line and not line.startswith("note:")]
    [message, *count] = shown
    assert not count or count == ["1 mistake; nothing was run and no model was asked."]
    assert message.startswith(trial.get("where", "command line"))
    assert trial["says"] in message
    assert not JARGON.search(message)
    if paste := trial.get("paste"):
        assert f"write {paste}" in message or f": {paste}" in message
        assert shlex.split(paste)
    if "pasted" in trial:
        assert run(trial["pasted"]) == 0


def _edit(path: Path, edit: list[str] | str | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(edit, list):
        text = path.read_text(encoding="utf-8")
        assert text.count(edit[0]) == 1
        edit = text.replace(edit[0], edit[1])
    path.write_text(edit or "An old spreadsheet.", encoding="utf-8")


def test_the_study_itself_has_no_mistake(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("flows check --config-dir survey +flows=[survey]") == 0
    assert "no mistakes found" in capsys.readouterr().out


def test_the_reason_that_leaves_out_most_rows_is_shown_first(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Other texts under one id: equal ones would be the answers of several people.
    repeated = "".join(f"7,They are vermin {n},violates\n8,The market opens {n},violates\n" for n in range(3))
    rows = f"record_id,text,violating\n1,,violates\n{repeated}"
    (study / "survey" / "records.csv").write_text(rows, encoding="utf-8")
    assert run("flows check --config-dir survey +flows=survey") == 0
    shown = capsys.readouterr().out
    first, second = (line.strip() for line in shown.splitlines() if "left out:" in line)
    assert first.startswith("left out: 4 rows, the first survey/records.csv:5: the id '7' was there before, on line 3")
    assert (
        second == "left out: 1 row, which is survey/records.csv:2: the record is empty: no text, no section, no image"
    )


def test_most_rows_left_out_are_told_in_the_first_line(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "record_id,text,violating\n" + "".join(f"7,Text {number},violates\n" for number in range(40))
    (study / "survey" / "records.csv").write_text(rows, encoding="utf-8")
    assert run("flows check --config-dir survey +flows=survey") == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "survey: no mistakes found, but 39 of the 40 rows are left out"
    assert str(api_study("survey", config_dir="survey").check()).splitlines()[0] == first


def test_answers_that_are_the_verdicts_are_listed(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "record_id,text,violating\n" + "".join(f"{number},A post.,violates\n" for number in range(3))
    rows += "8,The market opens.,does_not_violate\n9,Nobody answered.,\n"
    (study / "survey" / "records.csv").write_text(rows, encoding="utf-8")
    assert run("flows check --config-dir survey +flows=survey") == 0
    shown = capsys.readouterr().out
    assert (
        "answers of people to 'survey_rule': 'violates' as violates (3); 'does_not_violate' as does_not_violate (1)"
        in shown
    )


def test_a_sample_of_more_records_than_there_are_is_noted(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("flows check --config-dir survey +flows=survey sample=1000") == 0
    assert "note: sample=1,000 asks for more records than there are; all " in capsys.readouterr().err
    assert run("flows check --config-dir survey +flows=survey sample=2") == 0
    assert "asks for more records" not in capsys.readouterr().err
