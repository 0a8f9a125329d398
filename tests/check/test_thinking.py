"""Thinking that counts towards a limit of tokens: the check says what the limit has to be, before any call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr

from agents.llms.factory import build_model
from agents.llms.hosted.pydantic_ai_service import thinking_budget
from contract.errors import ModelError
from contract.models import HostedModel
from flows.cli.main import main
from tests.agents.llms.requests import make_request
from tests.support.commands import write_files
from tests.support.fake_llm import FakeLLM

FLOW = """\
description: Posts are judged.
records: posts
steps:
  judge:
    agent: judge
    parameters: {criteria: rules, model: m%s}
measures: {verdicts: judge}
"""
MODEL = """\
m:
  kind: hosted
  provider: %s
  model_id: %s
  api_key: none
  thinking: %s
"""


def check(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    model: tuple[str, str, str] = ("anthropic", "claude-sonnet-4-5", "low"),
    *,
    model_settings: str = "",
    step_settings: str = "",
) -> tuple[int, str]:
    """The exit code of `check` for a study with that model, and what it says of mistakes and notes."""
    files: dict[str, str | bytes] = {
        "flows/mine.yaml": FLOW % step_settings,
        "storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
        "posts.jsonl": json.dumps({"record_id": "1", "text": "A post."}) + "\n",
        "criteria/rules.md": "---\ntitle: Rules\n---\nDo no harm.\n",
        "models/m.yaml": MODEL % model + model_settings,
    }
    monkeypatch.chdir(write_files(folder, files))
    code = main(["check", "--config-dir", ".", "+flows=mine"])
    said = capsys.readouterr().err
    print(said)
    return code, said


@pytest.mark.parametrize(("thinking", "room"), [("low", 5000), ("medium", 13000), ("high", 19000)])
def test_thinking_that_uses_up_the_usual_limit_is_a_mistake_with_the_line_to_write(
    thinking: str, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = check(tmp_path, monkeypatch, capsys, ("anthropic", "claude-sonnet-4-5", thinking))
    assert code == 2
    assert "models/m.yaml:6" in said and "2048" in said
    assert f"settings: {{max_tokens: {room}}}" in said


@pytest.mark.parametrize(
    ("model_settings", "step_settings", "place"),
    [
        ("  settings: {max_tokens: 1000}\n", "", "models/m.yaml:7"),
        ("  settings: {max_tokens: 20000}\n", ", max_tokens: 2000", "flows/mine.yaml:6"),
    ],
)
def test_a_limit_that_is_set_is_named_where_it_stands(
    model_settings: str,
    step_settings: str,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = check(tmp_path, monkeypatch, capsys, model_settings=model_settings, step_settings=step_settings)
    assert code == 2
    assert place in said and "max_tokens: 5000" in said


@pytest.mark.parametrize(
    ("model", "model_settings", "step_settings"),
    [
        (("anthropic", "claude-sonnet-4-5", "off"), "", ""),
        (("anthropic", "claude-sonnet-4-5", "low"), "  settings: {max_tokens: 20000}\n", ""),
        (("anthropic", "claude-sonnet-4-5", "low"), "", ", max_tokens: 20000"),
        (("openai", "gpt-4o-mini", "low"), "", ""),
    ],
)
def test_a_limit_with_room_is_not_spoken_of(
    model: tuple[str, str, str],
    model_settings: str,
    step_settings: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = check(tmp_path, monkeypatch, capsys, model, model_settings=model_settings, step_settings=step_settings)
    assert code == 0
    assert "max_tokens" not in said


@pytest.mark.parametrize(
    "model",
    [
        ("anthropic", "claude-sonnet-4-6", "medium"),
        ("openai", "gpt-5-mini", "low"),
        ("google", "gemini-2.5-flash", "high"),
    ],
)
def test_a_service_that_takes_it_and_may_cut_replies_is_noted(
    model: tuple[str, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = check(tmp_path, monkeypatch, capsys, model)
    assert code == 0
    assert "note: " in said and "counts towards" in said
    assert "settings: {max_tokens: 20000}" in said


@pytest.mark.parametrize(
    ("model", "is_sent"),
    [
        (("anthropic", "claude-sonnet-4-5", "low"), False),
        (("anthropic", "claude-sonnet-4-6", "low"), False),
        (("anthropic", "claude-sonnet-4-5", "off"), True),
    ],
)
def test_a_temperature_that_is_refused_beside_thinking_is_not_sent_and_told(
    model: tuple[str, str, str],
    is_sent: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = check(
        tmp_path, monkeypatch, capsys, model, model_settings="  settings: {max_tokens: 20000, temperature: 0}\n"
    )
    assert code == 0
    assert ("does not take temperature 0" in said) != is_sent


@pytest.mark.parametrize("model_id", ["claude-sonnet-4-5", "claude-opus-4-1", "claude-sonnet-4-6"])
async def test_the_budget_is_the_one_that_is_sent(model_id: str, hosted_service: FakeLLM) -> None:
    hosted_service.log.reset()
    config = HostedModel(
        provider="anthropic",
        model_id=model_id,
        base_url=HttpUrl(hosted_service.url),
        api_key=SecretStr("none"),
        thinking="medium",
    )
    model = build_model("m", config)
    try:
        await model.complete(make_request())
    except ModelError:
        pass  # What counts is what was sent.
    finally:
        await model.aclose()
    body: dict[str, Any] = hosted_service.log.requests[0]["body"]
    assert thinking_budget(config) == body["thinking"].get("budget_tokens")
