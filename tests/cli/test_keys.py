"""A key in `.env`: found without being shown, only where git ignores it, and nothing but a key is taken from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from flows.cli.main import main
from flows.config.env_file import read_keys

KEY = "sk-a-key-that-nobody-may-see"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and an environment without keys."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(name, "")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check_one_model(capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """`check` of osb with one hosted model: exit code, what is printed, and the notes."""
    code = main(["check", "llms.researchers=[gpt-mini]", "query=What is a veiled threat?"], "osb")
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_check_finds_a_key_without_showing_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check_one_model(capsys)[0] == 2
    (folder / ".env").write_text(f"OPENAI_API_KEY={KEY}\n", encoding="utf-8")
    code, out, notes = check_one_model(capsys)
    assert code == 0 and "key found: OPENAI_API_KEY (gpt-mini)" in out
    assert "read from .env: OPENAI_API_KEY" in notes and KEY not in out + notes
    where = "go to openai (https://api.openai.com) for gpt-mini"
    assert f"leaves this machine: prompts, with the texts that they show, {where}" in notes


def test_nothing_leaves_with_embedded_models(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "query=What is a veiled threat?"], "osb") == 0
    printed = capsys.readouterr()
    assert "leaves this machine" not in printed.err and "key found" not in printed.out


def test_pages_and_buckets_are_receivers_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "query=What is a veiled threat?", "run.results=gs://bucket/kept"], "desk") == 0
    notes = capsys.readouterr().err
    assert "leaves this machine: each web page that a model chooses is asked for at its site" in notes
    assert "leaves this machine: replies of models, with what they quote, are kept in gs://bucket/kept" in notes


def test_a_key_that_git_would_publish_is_not_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / ".env").write_text(f"OPENAI_API_KEY={KEY}\n", encoding="utf-8")
    code, out, notes = check_one_model(capsys)
    assert code == 2 and "git would publish" in notes and KEY not in out + notes
    (folder / ".gitignore").write_text(".env\n", encoding="utf-8")
    assert check_one_model(capsys)[0] == 0


def test_a_committed_file_is_not_read_although_a_pattern_ignores_it(folder: Path) -> None:
    (folder / ".env").write_text(f"OPENAI_API_KEY={KEY}\n", encoding="utf-8")
    (folder / ".gitignore").write_text(".env\n", encoding="utf-8")
    for command in (["init", "-q"], ["add", "-f", ".env"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    assert read_keys(folder, {}).refused


def test_only_keys_are_taken_and_the_environment_goes_first(tmp_path: Path) -> None:
    lines = f"PATH=/evil\nAZURE_OPENAI_ENDPOINT=https://evil\nLD_PRELOAD=x\nexport GEMINI_API_KEY='{KEY}$HOME'\n"
    (tmp_path / ".env").write_text(f"{lines}OPENAI_API_KEY=other\nANTHROPIC_API_KEY=\n", encoding="utf-8")
    environment = {"OPENAI_API_KEY": "mine"}
    assert read_keys(tmp_path, environment).taken == {"GEMINI_API_KEY"}
    assert environment == {"OPENAI_API_KEY": "mine", "GEMINI_API_KEY": f"{KEY}$HOME"}


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"\xff\xfe\x00\xd8")
    assert "no readable text" in read_keys(tmp_path, {}).refused
