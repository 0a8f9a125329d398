"""Folders of prompts and criteria that are links out of the study: nothing behind them is listed or walked through."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.prompting.criteria import Criteria, ignored_files
from agents.prompting.templates import Prompts


@pytest.mark.parametrize("kind", ["prompts", "criteria"])
def test_a_folder_that_leads_out_of_the_study_is_not_listed(tmp_path: Path, kind: str) -> None:
    outside, study = tmp_path / "outside", tmp_path / "study"
    (outside / "deep").mkdir(parents=True)
    study.mkdir()
    for name in ("diary.md", "deep/letters.md", "deep/photo.png"):
        (outside / name).write_text("private", encoding="utf-8")
    (study / kind).symlink_to(outside)
    listed = Prompts([study]).names() if kind == "prompts" else Criteria([study]).names()
    assert listed == [] and ignored_files([study], kind) == []
    (study / kind).unlink()
    (outside).rename(study / kind)
    listed = Prompts([study]).names() if kind == "prompts" else Criteria([study]).names()
    assert listed == ["deep/letters", "diary"] and len(ignored_files([study], kind)) == 1
