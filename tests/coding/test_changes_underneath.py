"""Answers, criteria and records that change after people coded or decided: it is told, by whatever reads them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.coding.answer_log import read_answers
from flows.compose.compose import compose
from flows.engine.records import record_notes, records_of
from flows.files.gold_set import add_to_gold, read_gold
from tests.support.commands import write_files

CODED = "record_id,criterion,coder,verdict\n"
STUDY = {
    "flows/letters.yaml": (
        "records: letters\nsteps:\n  judge: {agent: judge, variants: {criteria: [rude, kind], model: [demo]}}\n"
        "measures: {verdicts: judge}\n"
    ),
    "storage/letters.yaml": "letters:\n  type: file\n  path: letters.csv\n",
    "letters.csv": "record_id,text\nl1,You are a fool.\nl2,Thank you for the bread.\nl3,Good day.\n",
    "criteria/rude.md": (
        "---\ntitle: Rude\nauthor: Us\nsource: This test\nverdicts: ['yes', 'no']\nexamples:\n"
        "- {text: You fool., verdict: 'yes'}\n- {text: Hello., verdict: 'no'}\n---\nA letter is rude.\n"
    ),
    "criteria/kind.md": (
        "---\ntitle: Kindness\nauthor: Us\nsource: This test\ncodebook:\n"
        "  tone: {type: choice, options: {warm: It is warm., cold: It is cold.}}\n"
        "  thanks: {type: yes_no}\nexamples:\n- {text: Bless you., codes: {tone: warm, thanks: yes}}\n"
        "- {text: Go away., codes: {tone: cold, thanks: no}}\n---\nA letter is kind.\n"
    ),
}


def serve_nothing(*_: object) -> None:
    """In the place of a server that serves until Ctrl-C."""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of three letters, coded by Ana and Ben; no pages are served."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flows.coding.serve.serve", serve_nothing)
    write_files(tmp_path / "study", STUDY)
    assert main(["code", "coders=ana,ben", "--config-dir", str(tmp_path / "study")], "letters") == 0
    answers = "l1,rude,ana,yes\nl1,rude,ben,no\nl2,rude,ana,no\nl2,rude,ben,no\nl1,kind.tone,ana,cold\n"
    answer(tmp_path, f"{answers}l1,kind.tone,ben,cold\nl3,rude,ana,no\nl3,rude,ben,no\n")
    return tmp_path / "study"


def answer(folder: Path, rows: str) -> None:
    (folder / "more.csv").write_text(CODED + rows)
    assert main(["code", "import", "more.csv"]) == 0


def test_a_decision_that_an_answer_has_overtaken_is_told(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["code", "adjudicate", "by=carla"]
    assert main(words) == 0
    assert "open again" not in capsys.readouterr().err
    assert read_gold(Path("gold/letters.jsonl")).of("l2")["rude"].how == "agreed"
    answer(study.parent, "l2,rude,ana,yes\n")
    assert main(words) == 0
    note = "note: 1 decision is open again; coders have answered otherwise since: l2 by rude"
    assert note in capsys.readouterr().err
    answer(study.parent, "l3,rude,ana,yes\nl3,rude,ben,yes\n")
    assert main(words) == 0
    said = capsys.readouterr().err
    assert "1 decision is replaced, since all say the same now; coders have answered otherwise since: l3" in said
    assert "open again" not in said
    assert main(words) == 0
    assert "otherwise since" not in capsys.readouterr().err


def test_a_criterion_that_changed_since_people_decided_is_told_by_check_and_run(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["code", "adjudicate", "by=carla"]) == 0

    def notes() -> str:
        [composed] = compose(["letters"], ["truth=gold/letters.jsonl"], study)
        said = "\n".join(record_notes(composed, list(records_of(composed, lambda _: None))))
        capsys.readouterr()
        assert main(["check", "truth=gold/letters.jsonl", "--config-dir", str(study)], "letters") == 0
        checked = capsys.readouterr().err
        assert all(f"note: {note}\n" in checked for note in said.splitlines()), "a check tells it in the same words"
        assert ("criterion" in checked) == ("criterion" in said)
        return said

    assert "criterion" not in notes()
    write_files(study, {"criteria/kind.md": STUDY["criteria/kind.md"].replace("It is warm", "It is WARM")})
    assert (
        "the criterion 'kind' has another text, verdicts or examples than when people decided on 1 record;" in notes()
    )
    assert "'rude'" not in notes()
    write_files(study, {"criteria/rude.md": STUDY["criteria/rude.md"].replace("A letter", "A LETTER")})
    assert (
        "the criterion 'rude' has another text, verdicts or examples than when people decided on 2 records" in notes()
    )


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("criteria/kind.md", "It is warm", "It is WARM", "text, verdicts or examples of kind are others now"),
        ("criteria/rude.md", "A letter", "A LETTER", "text, verdicts or examples of rude are others now"),
        ("flows/letters.yaml", "rude, kind", "kind", "by rude the study judges no longer"),
        ("letters.csv", "bread", "cake", "1 drawn record has another text now: l2"),
        ("letters.csv", "l3,Good day.\n", "", "1 drawn record is no longer in the source: l3"),
    ],
)
def test_a_coding_that_goes_on_says_what_has_changed_since(
    file: str, before: str, after: str, message: str, study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["code", "--config-dir", str(study)], "letters") == 0
    assert "goes on with" not in capsys.readouterr().err, "nothing has changed"
    write_files(study, {file: STUDY[file].replace(before, after)})
    assert main(["code", "--config-dir", str(study)], "letters") == 0
    error = capsys.readouterr().err
    assert f"note: {message}" in error
    assert "goes on with the words with which it was begun; for another one write folder=…" in error


def test_criteria_that_the_coding_was_begun_without_are_told(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["code", "coders=ana", "folder=coding/two", "criteria=kind", "--config-dir", str(study)], "letters") == 0
    )
    capsys.readouterr()
    assert main(["code", "folder=coding/two", "--config-dir", str(study)], "letters") == 0
    assert "note: by rude nobody codes here, since the coding was begun without" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["status"], ["export", "out.csv"], ["adjudicate", "by=carla"], [], ["import", "more.csv"]]
)
def test_every_action_tells_damaged_lines_and_half_ones(
    words: list[str], study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("coding/letters/answers.jsonl")
    whole = path.read_bytes()
    lines = whole.split(b"\n")
    lines[1] = b"x" + lines[1][1:]
    lines.insert(3, lines[4][:60])
    path.write_bytes(b"\n".join(lines))
    main(["code", *words])
    error = capsys.readouterr().err
    assert "answers.jsonl:2: this line was damaged after it was written" in error
    assert "half lines that a kill has left are not counted: 4" in error


def test_what_a_kill_may_leave_of_a_line_is_a_half_line_and_other_damage_is_not(study: Path) -> None:
    folder = Path("coding/letters")
    path = folder / "answers.jsonl"
    [line, *_] = path.read_bytes().split(b"\n")
    line = line.replace(b'"reason":""', '"reason":"Grüße \\"ja\\" \\u0001"'.encode())
    for end in range(1, len(line)):
        path.write_bytes(line[:end])
        assert read_answers(folder).torn_lines == [1], line[:end]
    place = line.index(b'"coder"')
    for damaged in (b"x" + line[1:], line[:place] + line[place + 1 :], line[:place] + b"\xff" + line[place:], line[5:]):
        path.write_bytes(damaged + b"\n")
        assert read_answers(folder).damaged_lines == [1], damaged


@pytest.mark.parametrize("words", [["status"], ["export", "out.csv"], ["adjudicate", "by=carla"], []])
def test_an_answer_that_somebody_has_changed_in_the_file_does_not_count(
    words: list[str], study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = Path("coding/letters/answers.jsonl")
    lines = path.read_text().splitlines()
    assert '"verdict":"yes"' in lines[0]
    path.write_text("\n".join([lines[0].replace('"verdict":"yes"', '"verdict":"no"'), *lines[1:], ""]))
    main(["code", *words])
    error = capsys.readouterr().err
    assert f"{path}:1: this line was changed after it was written, so it does not count" in error
    assert ("l1", "rude") not in read_answers(path.parent).of("ana").current


def test_lines_of_an_earlier_version_count_without_a_digest(study: Path) -> None:
    path = Path("coding/letters/answers.jsonl")
    before = [one.said for one in read_answers(path.parent)]
    path.write_text(re.sub(r',"digest":"\w{64}"', "", path.read_text()))
    found = read_answers(path.parent)
    assert "digest" not in path.read_text() and [one.said for one in found] == before and before


def test_a_round_for_training_has_a_gold_set_of_its_own(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", "adjudicate", "by=carla"]) == 0
    before = Path("gold/letters.jsonl").read_bytes()
    begin = ["code", "export", "out.csv", "folder=coding/pilot", "coders=ana,ben", "--config-dir", str(study)]
    assert main(begin, "letters") == 0
    Path("pilot.csv").write_text(f"{CODED}l2,rude,ana,yes\nl2,rude,ben,yes\n")
    assert main(["code", "import", "pilot.csv", "folder=coding/pilot"]) == 0
    capsys.readouterr()
    assert main(["code", "adjudicate", "by=carla", "folder=coding/pilot"]) == 0
    said = capsys.readouterr()
    assert "gold/letters-pilot.jsonl: version 1" in said.out and "answered otherwise" not in said.err
    assert Path("gold/letters.jsonl").read_bytes() == before


def test_decisions_that_an_earlier_version_wrote_elsewhere_are_named(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["code", "adjudicate", "by=carla"]) == 0
    shutil.copytree("coding/letters", "coding/pilot")
    gold, words = Path("gold/letters.jsonl"), ["code", "adjudicate", "by=carla", "folder=coding/pilot"]
    said = f"note: {gold} holds decisions on these answers; gold={gold} goes on with it"
    [disputed] = [one for one in read_gold(gold).entries.values() if one.how == "open"]
    capsys.readouterr()
    assert main(words) == 0 and said not in capsys.readouterr().err, "nobody has decided anything"
    Path("gold/letters-pilot.jsonl").unlink()
    add_to_gold(gold, [disputed.model_copy(update={"how": "adjudicated", "verdict": "yes", "by": "carla", "why": "x"})])
    assert main(words) == 0 and said in capsys.readouterr().err
    assert main(words) == 0 and said not in capsys.readouterr().err, "it goes on with its own"
