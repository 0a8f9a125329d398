"""Every hostile study of the table is refused by `check` at once, in plain words, and nothing gets out."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli.main import main
from tests.security.hostile_studies import ENVIRONMENT, FILES, HOSTILE, SECRET, Hostile, Place, storage
from tests.support.own_config import use_own_config


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The plain study, and a folder outside its project that is none of its business."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    use_own_config(monkeypatch, tmp_path / "user")
    found = Place(tmp_path / "project" / "study", tmp_path / "outside")
    for name, content in FILES.items():
        found.write(name, content)
    for name in ("secret.txt", "secret.jsonl", "criteria/rule.md", "prompts/ask.md", "models.yaml", "models/mine.yaml"):
        path = found.outside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"text": "{SECRET}"}}\n')
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return found


def check(place: Place) -> int:
    return main(["check", "+flows=[tiny]", "--config-dir", str(place.study)])


def test_the_plain_study_is_taken(place: Place) -> None:
    assert check(place) == 0


@pytest.mark.timeout(60)
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: f"{hostile.kind}: {hostile.tried}")
def test_a_hostile_study_gets_nothing_out(place: Place, hostile: Hostile, capfd: pytest.CaptureFixture[str]) -> None:
    hostile.change(place)
    code = check(place)
    output = "".join(capfd.readouterr())
    assert code == (2 if hostile.message else 0), output
    assert hostile.message in output
    assert SECRET not in output
    assert "Traceback" not in output
    assert "\x1b" not in output and "\u202e" not in output
    assert not list(place.study.parent.rglob("pwned"))


def test_a_link_shows_no_names_of_files_outside(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    (place.outside / "prompts" / "payroll.md").write_text("x")
    place.link("prompts", "prompts")
    assert check(place) == 2
    assert "payroll" not in "".join(capfd.readouterr())


def test_data_beside_a_study_is_read_and_named_but_not_over_a_link(
    place: Place, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = place.study.parent / "letters.jsonl"
    letters.write_text('{"text": "Dear Ann."}\n')
    storage(type="file", path="../letters.jsonl")(place)
    assert check(place) == 0
    assert "which is beside the study" in capfd.readouterr().err
    monkeypatch.setenv("HOME", str(place.study.parent))
    assert check(place) == 2
    monkeypatch.setenv("HOME", str(place.outside))
    letters.unlink()
    letters.symlink_to(place.outside / "secret.jsonl")
    assert check(place) == 2


def test_there_are_a_hundred_of_them() -> None:
    assert len({(hostile.kind, hostile.tried) for hostile in HOSTILE}) == len(HOSTILE) >= 100
