"""Mistakes of the verb `code` are named, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.cli.code_words import read_coding
from flows.cli.main import main
from tests.report.sample_run import Sample, write_sample
from tests.support.coding import make_coding


@pytest.mark.parametrize(
    ("flow", "words", "message"),
    [
        (None, ["exprt"], "did you mean 'export'?"),
        (None, ["export"], "no coding was begun here"),
        ("tox", ["sample=3"], "nobody is named who codes"),
        ("tox", ["coders=[ana]", "strata=[colour]"], "no record has 'colour' in its metadata"),
        ("tox", ["coders=[ana]", "strata=[models]"], "name a finished run"),
        ("tox", ["coders=[ana]", "allocate=equall"], "did you mean 'equal'?"),
        ("tox", ["coders=[ana]", "host=0.0.0.0"], "names="),
        ("tox", ["coders=[ana]", "port=x"], "this is no port"),
        ("tox", ["coders=[ana]", "names=lab"], "without host= nobody else reaches the pages"),
        ("tox", ["coders=[ana]", "kind=x", "codrs=ben"], "the command takes allocate, coders, folder, host"),
        ("tox", ["codrs=ana"], "did you mean 'coders'?"),
        ("tox", ["coders=[ana]", "strata=[kinds]"], "did you mean 'kind'?"),
        (None, ["status", "extra", "folder=x"], "command line: extra: `code status` takes no such word"),
        (None, ["adjudicate", "by=carla", "extra"], "command line: extra: `code adjudicate` takes no such word"),
        (None, ["export", "a.csv", "b.csv"], "command line: b.csv: `code export` takes no such word"),
        ("tox", ["coders=[<b>]"], "a name consists of letters"),
        ("tox", ["coders=ana", "sample=12", "strata=kind"], "write sample=15 or more, so that each is drawn from"),
        ("tox", ["coders=ana", "allocate=equal"], "allocate=equal: there are no strata, of which equal numbers"),
        ("tox", ["coders=ana", "allocate=equal"], "add strata=… with kind, synthetic, target, or leave allocate out"),
        ("tox", ["coders=ana", "allocate=equal", "criteria=ordinry"], "allocate=equal: there are no strata"),
        ("tox", ["coders=ana", "criteria=ordinary,powr"], "did you mean 'power'?"),
        ("tox", ["coders=ana,,ben"], "a name is missing here"),
        (None, ["status", "folder=coding/letters"], "code +flows=letters coders=ana,ben"),
        (None, ["status", "sampel=5"], "`code status` takes no 'sampel'"),
        (None, ["import", "coding.docx"], "answers come as .xlsx, .csv"),
        (None, ["adjudicate", "folder=x", "run=runs/tox/none"], "there is no finished run here"),
        (None, ["correct"], "write by=NAME"),
        ("osb", ["coders=[ana]"], "there is nothing to code"),
    ],
)
def test_a_mistake_is_named_and_nothing_is_begun(
    flow: str | None,
    words: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["code", *words], flow) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error
    assert not (tmp_path / "coding").exists()


def test_all_mistakes_in_the_words_are_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["code", "adjudicate", "by=<b>", "run=none", "gold=gold.csv", "port=x", "coders=ana", "smple=3"]) == 2
    error = capsys.readouterr().err
    for words in ("by=<b>", "run=none", "gold=gold.csv", "port=x", "coders=ana", "smple=3"):
        assert f"command line: {words}: " in error


def test_wrong_strata_are_told_with_wrong_settings_unless_these_choose_the_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for records, told in (((), True), (("records=none.csv",), False)):
        assert main(["code", "coders=ana", "criteria=ordinry", "strata=kinds", *records], "tox") == 2
        error = capsys.readouterr().err
        assert "did you mean 'ordinary'?" in error
        assert ("command line: strata: no record has 'kinds' in its metadata; did you mean 'kind'?" in error) == told


def test_whoever_begins_a_coding_is_told_nothing_of_comparisons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check"], "tox") == 0
    checked = "".join(capsys.readouterr())
    assert "nothing is compared with people" in checked
    assert main(["code", "export", "a.csv", "coders=ana", "sample=3"], "tox") == 0
    assert "people" not in capsys.readouterr().err


def test_a_run_that_has_judged_nothing_of_the_coding_is_refused_and_the_gold_set_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_coding(tmp_path / "coding" / "study")
    rows = "r1,rude,ana,rude\nr1,rude,ben,polite\nr2,rude,ana,rude\nr2,rude,ben,rude\n"
    (tmp_path / "coded.csv").write_text(f"record_id,criterion,coder,verdict\n{rows}")
    assert main(["code", "import", "coded.csv"]) == 0
    write_sample(tmp_path / "runs" / "letters", Sample(records=2))
    capsys.readouterr()
    assert main(["code", "adjudicate", "by=carla", "run=runs/letters"]) == 2
    assert "run=runs/letters: this run has judged nothing of what is coded here" in capsys.readouterr().err
    assert not (tmp_path / "gold").exists()
    assert main(["code", "coders=ana", "folder=new", "strata=models", "run=runs/letters"], "tox") == 2
    assert "the run has judged none of these records" in capsys.readouterr().err


def test_several_criteria_are_named_as_several_coders_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kept = list[list[str]]()
    for folder, words in (("a", "criteria=[ordinary,power]"), ("b", "criteria=ordinary,power")):
        assert main(["code", "export", f"{folder}.csv", f"folder={folder}", "coders=ana,ben", words], "tox") == 0
        kept.append([one.name for one in read_coding(Path(folder))[0].criteria])
    assert kept == [["ordinary", "power"]] * 2


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sampel=5", "did you mean 'sample'?"),
        ("sample=-1", "sample"),
        ("sample=abc", "sample"),
        ("sample=2", "was begun with 3 records"),
        ("allocate=equal", "was begun with 3 records, seed 0; leave out sample, seed, strata and allocate"),
    ],
)
def test_settings_of_a_coding_that_was_begun_are_those_of_its_flow(
    word: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["code", "export", "answers.csv", "coders=ana", "sample=3"], "tox") == 0
    assert main(["code", word]) == main(["code", "export", "again.csv", word]) == 2
    assert not (tmp_path / "again.csv").exists(), "an export of other records would be taken for these"
    error = capsys.readouterr().err
    assert f"command line: {word}" in error or word in ("sample=2", "allocate=equal")
    assert message in error and "no flow is named" not in error


def test_a_sample_of_more_records_than_there_are_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["code", "export", "answers.csv", "coders=ana", "sample=50"], "tox") == 0
    assert "sample=50 asks for more records than there are; all 40 are coded" in capsys.readouterr().err


def test_a_setting_that_is_not_taken_is_wrong_by_its_name_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["code", "coder=ana,ben", "sample=3"], "tox") == 2
    error = capsys.readouterr().err
    assert "`code` takes no 'coder'; did you mean 'coders'?" in error and "1 mistake;" in error


def test_a_folder_without_a_run_is_not_proposed_in_place_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_sample(tmp_path / "runs" / "letters", Sample(records=2))
    (tmp_path / "runs" / "leters").mkdir()
    assert main(["code", "correct", "by=carla", "run=runs/leters"]) == 2
    assert "no finished run here; did you mean 'runs/letters'?" in capsys.readouterr().err


def test_a_file_in_a_folder_that_is_not_there_is_refused_before_anything_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables").mkdir()
    for name in ("a.csv", "a.xlsx"):
        assert main(["code", "export", f"table/{name}", "coders=ana", "sample=3"], "tox") == 2
        error = capsys.readouterr().err
        assert f"table/{name}: there is no folder table; did you mean 'tables'?" in error and ".part" not in error
    assert not (tmp_path / "coding").exists()


def test_whoever_is_new_in_a_coding_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make_coding(tmp_path / "coding" / "study")
    known, _ = read_coding(tmp_path / "coding" / "study")
    assert main(["code", "export", "a.csv", "coders=bne"]) == 0
    assert f"note: new in this coding: bne; so far: {', '.join(known.coders)}" in capsys.readouterr().err
    assert main(["code", "export", "a.csv", "coders=bne"]) == 0
    assert "new in this coding" not in capsys.readouterr().err
