"""Names of coders: one form for each letter, capitals make no second person, and one coder needs no column."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.coding.answer_log import read_answers
from flows.coding.task import read_task
from tests.coding.test_changes_underneath import STUDY
from tests.support.commands import write_files

JOSE, JOSE_IN_PARTS = "Jos\u00e9", "Jose\u0301"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path / "study", STUDY)
    return tmp_path


def _begin(coders: str, folder: str = "coding/letters") -> int:
    words = ["code", "export", "out.csv", f"coders={coders}", "criteria=rude", f"folder={folder}"]
    return main([*words, "--config-dir", "study"], "letters")


def _coders(folder: str = "coding/letters") -> tuple[str, ...]:
    found = read_task(Path(folder))
    assert found
    return found[0].coders


def test_a_letter_with_an_accent_is_one_letter_however_it_is_written(here: Path) -> None:
    assert _begin(f"{JOSE_IN_PARTS},ana") == 0
    assert _coders() == (JOSE, "ana")
    assert _begin(f"{JOSE_IN_PARTS},ana") == 0 and len(_coders()) == 2
    (here / "more.csv").write_text(f"record_id,coder,verdict\nl1,{JOSE_IN_PARTS},yes\n", encoding="utf-8")
    assert main(["code", "import", "more.csv"]) == 0
    assert [one.coder for one in read_answers(Path("coding/letters"))] == [JOSE]


@pytest.mark.parametrize("before", [[], ["ana"]])
def test_a_name_in_capitals_is_no_second_person(
    here: Path, before: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for coders in before:
        assert _begin(coders) == 0
    assert _begin("Ana" if before else "ana,Ana") == 2
    assert "coders=Ana: 'ana' differs by capitals only, and would be another person" in capsys.readouterr().err
    assert not before or _coders() == ("ana",)


def test_where_one_person_codes_answers_need_no_name_and_else_it_is_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "more.csv").write_text("record_id,verdict\nl1,yes\n", encoding="utf-8")
    assert _begin("solo") == 0 and main(["code", "import", "more.csv"]) == 0
    assert [one.coder for one in read_answers(Path("coding/letters"))] == ["solo"]
    assert _begin("ana,ben", "coding/two") == 0
    assert main(["code", "import", "more.csv", "folder=coding/two"]) == 1
    assert "more.csv:2: no coder is named here; add a column `coder`, or write coder=…" in capsys.readouterr().err


def test_a_coder_called_as_a_sheet_that_excel_refuses_has_another_sheet(here: Path) -> None:
    assert main(["code", "export", "out.xlsx", "coders=History,ana", "--config-dir", "study"], "letters") == 0
    names: list[str] = import_module("python_calamine").CalamineWorkbook.from_path("out.xlsx").sheet_names
    assert names == ["Criteria", "History 2", "ana"]
    assert main(["code", "import", "out.xlsx"]) == 0
