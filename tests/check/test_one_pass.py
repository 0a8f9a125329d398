"""Many mistakes at once are all reported in one pass, in file order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.compose.tiny_study import FLOW, STORAGE, compose_study, problems_of, write_study


def test_six_mistakes_are_reported_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    flow = FLOW.replace("agent: researcher", "agent: reseacher")
    flow = flow.replace("temperature: 0.2", "temprature: 0.2").replace("length >= 2", "length >=")
    files = {
        "flows/mine.yaml": flow,
        "storage/papers.yaml": STORAGE.replace("papers.jsonl", "nowhere.jsonl"),
        "prompts/differences.md": "user:\n{{ answrs }}\n",
    }
    write_study(tmp_path / "my_study", files)
    found = problems_of(Path("my_study"), "llms=lit")
    assert [problem.where for problem in found] == [
        "command line: llms=lit",
        "my_study/flows/mine.yaml:23",
        "my_study/flows/mine.yaml:39",
        "my_study/flows/mine.yaml:40",
        "my_study/prompts/differences.md:2",
        "my_study/storage/papers.yaml:5",
    ]
    assert [problem.nearest for problem in found] == ["lite", "researcher", "temperature", None, "answers", None]
    assert (
        str(found[1])
        == (
            "my_study/flows/mine.yaml:23: there is no agent 'reseacher'; did you mean 'researcher'?; there are answer, "
            "citation_checker, differences, host, llm, llm_host, researcher, search, synthesiser"
        )
        or found[1].todo
    )


def test_a_file_that_is_no_yaml_hides_no_other_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"local.yaml": "run: [\n", "flows/mine.yaml": FLOW.replace("host: chair", "host: chiar")}
    write_study(tmp_path / "my_study", files)
    found = problems_of(Path("my_study"), "run.concurency=3")
    assert [problem.where for problem in found] == [
        "command line: run.concurency=3",
        "my_study/flows/mine.yaml:12",
        "my_study/local.yaml:1",
    ]


def test_a_missing_question_and_a_missing_folder_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_study(tmp_path / "my_study", {})
    [empty] = problems_of(Path("my_study"), "query=", flows=["mine"])[-1:]
    assert "given twice" in empty.what or "is empty" in empty.what
    [folder] = problems_of(Path("no_study"))
    assert folder.where == "command line: --config-dir no_study"
    assert "no such folder" in folder.what


def test_what_is_ignored_or_unused_is_a_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"criteria/rule.docx": "x", "flows/other.yaml": "steps: [", "prompts/old.prompt": "x"}
    write_study(tmp_path / "my_study", files)
    [study] = compose_study(Path("my_study"))
    assert (
        "my_study/criteria/rule.docx is ignored: only .md, .txt, .j2 and .jinja2 are read in criteria/" in study.notices
    )
    assert any("my_study/flows/other.yaml is not used" in notice for notice in study.notices)
    assert any("old.prompt is ignored" in notice for notice in study.notices)


def test_no_secret_is_ever_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    secret = "sk-very-secret"
    model = f"second:\n  kind: hosted\n  provider: openai\n  model_id: [x]\n  api_key: {secret}\n  apikey: {secret}\n"
    write_study(tmp_path / "my_study", {"models/mine.yaml": model})
    found = problems_of(Path("my_study"), f"models.second.api_key={secret}2", f"models.nowhere.api_key={secret}3")
    assert found
    assert secret not in "\n".join(map(str, found))
    good = f"second:\n  kind: hosted\n  provider: openai\n  model_id: gpt-5.6-luna\n  api_key: {secret}\n"
    write_study(tmp_path / "my_study", {"models/mine.yaml": good})
    [study] = compose_study(Path("my_study"))
    assert secret not in repr(study)
    assert secret not in str(study.config)
