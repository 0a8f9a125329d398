"""The console script: shorter words for the same commands, and the folder that one stands in as the study."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from contract.errors import StudyError
from flows.cli.script import study_folder, translate
from flows.config.folders import package_config_folder
from flows.console_script import run
from tests.support.commands import write_files

FLOW = "description: Mine.\nrecords: posts\nsteps: {ask: {agent: llm}}\n"


@pytest.mark.parametrize(
    ("words", "flow", "arguments"),
    [
        (["osb", "Is it so?"], "osb", ["query=Is it so?"]),
        (["osb", "Is", "1+1=2", "so?", "limit=3"], "osb", ["limit=3", "query=Is 1+1=2 so?"]),
        (["plan", "tox", "records=my.csv", "--json"], "tox", ["plan", "records=my.csv", "--json"]),
        (["tox", "check"], "tox", ["check"]),
        (["osb", "Is it so?", "check"], "osb", ["check", "query=Is it so?"]),
        (["osb", "When", "do", "they", "check", "posts?"], "osb", ["query=When do they check posts?"]),
        (["osb"], "osb", []),
        (["check", "+flows=[osb,tox]"], None, ["check", "+flows=[osb,tox]"]),
        (["--debug", "osb", "query=Why?"], "osb", ["--debug", "query=Why?"]),
        (["list"], None, ["list"]),
        (["server", "stop", "now"], None, ["server", "stop", "now"]),
        (["new", "plugin", "osb_more"], None, ["new", "plugin", "osb_more"]),
        (["code", "status"], None, ["code", "status"]),
        (["code", "tox", "export", "my.xlsx", "coders=[ana]"], "tox", ["code", "coders=[ana]", "export", "my.xlsx"]),
    ],
)
def test_words_become_those_of_the_module(tmp_path: Path, words: list[str], flow: str, arguments: list[str]) -> None:
    found = translate(words, tmp_path)
    assert (found.flow, list(found.arguments), found.notice) == (flow, arguments, None)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["obs", "Why?"], r"obs.*no flow and no verb.*'osb'"),
        (["chekc", "tox"], r"chekc.*no flow and no verb.*'check'"),
        (["What", "is", "a", "threat?"], r"a question is asked of a flow.*osb 'What is a threat\?'$"),
        (["What is a threat"], r"write for example osb 'What is a threat'$"),
        (["check", "mine"], r"--config-dir mine \+flows=survey$"),
        (["survey"], r"in the folder mine, .*write --config-dir mine \+flows=survey$"),
        (["check", "mine/flows/survey.yaml"], r"write --config-dir mine \+flows=survey$"),
        (["survey.yaml", "--config-dir", "mine"], r"leave the ending out; write \+flows=survey$"),
        (["other", "--config-dir", "mine"], r"only .yaml is read: rename mine/flows/other.yml to .yaml"),
        (["posts.csv"], r"texts are given to a flow.*judger records=posts.csv$"),
    ],
)
def test_words_that_mean_nothing_are_a_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    write_files(tmp_path, {"posts.csv": "text\nHello.\n", "mine/flows/survey.yaml": FLOW, "mine/flows/other.yml": FLOW})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StudyError, match=message):
        translate(words, tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["osb", "check", "query", "=", "Why so?"], "there are blanks around the sign =; write query='Why so?'"),
        (["tox", "posts.csv"], "a file or folder of texts is named with records; write records=posts.csv"),
        (["tox", "check", "run.server=stay", "1h"], "has no quotation marks; write run.server='stay 1h'"),
        (["tox", "check", "-v"], "-v: there is no such option"),
        (["check", "tox", "--config-dir"], "--config-dir: the name behind it is missing; write --config-dir my_study"),
        (["check", "survey", "--config-dir", "mien"], "there is no such folder; write --config-dir mine"),
        (["tox", "check", "--config_dir", "mine"], "write --config-dir mine"),
        (["tox", "check", "config-dir=mine"], "begins with two hyphens; did you mean '--config-dir'?"),
    ],
)
def test_a_mistake_behind_a_flow_is_told_as_for_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    write_files(tmp_path, {"posts.csv": "text\nHello.\n", "mine/flows/survey.yaml": FLOW})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["buttermilk", *words])
    assert run() == 2
    told = capsys.readouterr().err
    assert message in told and "\n1 mistake;" in told, told


def test_the_folder_is_the_study_when_it_looks_like_one(tmp_path: Path) -> None:
    assert study_folder(tmp_path) is None
    write_files(tmp_path, {"flows/osb.py": "", "agents/host.py": "", "notes.md": ""})
    assert study_folder(tmp_path) is None, "a folder with programs is none"
    assert study_folder(package_config_folder().parent) is None, "our own folder is none"
    study = write_files(tmp_path / "one", {"flows/mine.yaml": FLOW})
    found = translate(["plan"], study)
    assert found.notice == f"Study: {study} (the folder you are in)"
    assert (found.flow, list(found.arguments)) == ("mine", ["plan", "--config-dir", str(study)])
    assert study_folder(write_files(tmp_path / "two", {"conf/criteria/rude.md": "x"})) == tmp_path / "two" / "conf"


def test_a_named_folder_is_taken_instead(tmp_path: Path) -> None:
    here = write_files(tmp_path / "here", {"flows/mine.yaml": FLOW})
    there = write_files(tmp_path / "there", {"flows/first.yaml": FLOW, "flows/second.yaml": FLOW})
    found = translate(["second", "sample=3", "--config-dir", str(there)], here)
    assert (found.flow, found.notice) == ("second", None)
    assert list(found.arguments) == ["sample=3", "--config-dir", str(there)]
    every = translate(["check", f"--config-dir={there}"], here)
    assert list(every.arguments) == ["check", "+flows=first,second", f"--config-dir={there}"]
    assert not translate(["plan", "--config-dir", str(there)], here).flow, "which of two is not guessed"


@pytest.mark.parametrize("kind", [[], ["plugin"]])
def test_the_readme_of_a_new_folder_says_what_is_typed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for program, command in (("buttermilk", "buttermilk run mine"), ("main.py", "python -m flows run +flows=mine")):
        monkeypatch.setattr("sys.argv", [program, "new", *kind, "mine"])
        assert run() == 0
        readme = (tmp_path / "mine/README.md").read_text()
        assert command in readme and readme.count("python -m") in (0, readme.count("    uv run")), readme
        shutil.rmtree("mine")
