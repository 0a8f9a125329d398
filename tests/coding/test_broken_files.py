"""What a kill has left of a gold set is told and goes on; a line that is damaged is named in plain words."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from contract.errors import StorageError
from flows.cli.main import main
from flows.files.gold_set import read_gold
from flows.files.half_line import half_lines_note
from tests.coding.test_adjudication import code

GOLD = Path("gold/study.jsonl")
DECIDE = ("code", "adjudicate", "by=carla", "folder=coding/study", f"gold={GOLD}")


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The lines of a gold set that two coders have agreed on."""
    monkeypatch.chdir(tmp_path)
    code(Path("coding/study"))
    # Nobody serves pages here, so only what needs no decision goes in.
    answers = Path("coding/study/answers.jsonl")
    kept = [line for line in answers.read_text().splitlines() if json.loads(line)["record_id"] in ("r1", "r3", "r5")]
    answers.write_text("".join(f"{line}\n" for line in kept))
    assert main([*DECIDE]) == 0
    return GOLD.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize("cut", [1, 20, 60, 150, -3, -2])
def test_a_half_line_at_the_end_is_told_and_the_next_decision_goes_on(
    cut: int, lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(lines) == 3
    GOLD.write_bytes(b"".join(lines[:2]) + lines[2][:cut])
    assert read_gold(GOLD).version == 2
    assert main([*DECIDE]) == 0
    out = capsys.readouterr()
    assert f"note: {GOLD}: half lines that a kill has left are not counted: 3" in out.err
    assert "version 3" in out.out and read_gold(GOLD).version == 3 and read_gold(GOLD).torn_lines == [3]
    assert GOLD.read_bytes().startswith(b"".join(lines[:2])), "no line is changed"
    assert main([*DECIDE]) == 0 and read_gold(GOLD).version == 3


def test_a_whole_line_without_its_end_counts_and_nothing_is_joined_to_it(
    lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    GOLD.write_bytes(lines[0] + lines[1].rstrip())
    assert read_gold(GOLD).version == 2
    assert main([*DECIDE]) == 0
    found = read_gold(GOLD)
    assert found.version == 3 and half_lines_note(GOLD, found.torn_lines) == ""
    assert "note" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ((1, b"", b"x"), "study.jsonl:2: this line was damaged after it was written"),
        ((1, b'"criterion"', b'"criterum"'), "study.jsonl:2: this line is no decision of a gold set: `criterion` is"),
        (
            (1, b'"previous"', b'"before"'),
            "study.jsonl:2: this line is no decision of a gold set: `before` is not known",
        ),
        ((1, b'"digest"', b'"digst"'), "study.jsonl:2: this line is no decision of a gold set: `digst` is not known"),
        ((0, b'"rude"', b'"kind"'), "study.jsonl:1: this line, or one before it, was changed after it was written"),
    ],
)
def test_a_damaged_line_is_named_in_plain_words(
    damage: tuple[int, bytes, bytes], message: str, lines: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    at, old, new = damage
    lines[at] = lines[at].replace(old, new, 1)
    GOLD.write_bytes(b"".join(lines))
    assert main([*DECIDE]) == 3
    err = capsys.readouterr().err
    assert message in err and "Unterminated" not in err and "Field required" not in err
    assert GOLD.read_bytes() == b"".join(lines)


@pytest.mark.parametrize("line", [b"null", b"[]", b"3"])
def test_json_that_is_no_decision_is_no_half_line(line: bytes, lines: list[bytes]) -> None:
    GOLD.write_bytes(b"".join(lines) + line)
    with pytest.raises(StorageError, match=r"study\.jsonl:4: .*`record_id` is missing"):
        read_gold(GOLD)


def test_a_whole_line_that_was_cut_is_not_hidden_by_those_behind_it(lines: list[bytes]) -> None:
    GOLD.write_bytes(lines[0] + lines[1][:40] + b"\n" + lines[2])
    with pytest.raises(StorageError, match=r"study\.jsonl:3: .*changed after it was written.* no whole ones: 2"):
        read_gold(GOLD)


def test_a_field_of_a_coding_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code(Path("coding/study"))
    for name, field in (("task.json", "population"), ("records.jsonl", "probability"), ("answers.jsonl", "coder")):
        shutil.copytree("coding/study", "coding/broken")
        path = Path("coding/broken", name)
        # A line of an earlier version, whose change no digest tells.
        whole = re.sub(r',"digest":"\w{64}"', "", path.read_text())
        path.write_text(whole.replace(f'"{field}"', '"nothing"', 1))
        assert main(["code", "status", "folder=coding/broken"]) == 3
        err = capsys.readouterr().err
        assert name in err and f"`{field}` is missing" in err.replace(f"answer.{field}", field), err
        shutil.rmtree("coding/broken")


def test_answers_about_records_that_are_gone_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code(Path("coding/study"))
    path = Path("coding/study/records.jsonl")
    whole = path.read_text().splitlines(keepends=True)
    assert main(["code", "status"]) == 0
    assert "warning" not in capsys.readouterr().err
    gone = json.loads(whole[0])["record"]["record_id"]
    path.write_text("".join(whole[1:]))
    for words in (["status"], ["export"]):
        assert main(["code", *words]) == 0
        assert (
            f"there are answers about {gone}, which coding/study/records.jsonl does not hold" in capsys.readouterr().err
        )
    path.write_text("")
    assert main(["code", "status"]) == 3
    assert "coding/study/records.jsonl: the file holds no record; restore it" in capsys.readouterr().err
