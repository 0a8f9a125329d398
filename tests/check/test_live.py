"""`check live=true` asks each model for one smallest reply and says what it can do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.cli.main import main
from tests.support.commands import write_files
from tests.support.fake_llm import FakeLLM, Rule

REFUSES_SCHEMAS = Rule(kind="status", status=400, message="response_format is unavailable", match='"json_schema"')

FLOW = """\
description: Tiny.
records: posts
steps:
  ask:
    agent: llm
    variants: {model: [first, second]}
    parameters: {template: "user:\\nIs it so? {{ record.text }}"}
result: ask
"""


@pytest.fixture
def fake(hosted_service: FakeLLM) -> FakeLLM:
    hosted_service.log.reset()
    return hosted_service


@pytest.fixture
def study(tmp_path: Path, fake: FakeLLM) -> str:
    served = {"kind": "hosted", "provider": "openai-compatible", "base_url": fake.openai_url}
    models = {name: {**served, "model_id": name} for name in ("first", "second")}
    posts = {"type": "file", "path": str(tmp_path / "posts.jsonl")}
    write_files(
        tmp_path,
        {
            "models/served.yaml": json.dumps(models),
            "flows/tiny.yaml": FLOW,
            "storage/posts.yaml": json.dumps({"posts": posts}),
            "posts.jsonl": json.dumps({"record_id": "a", "text": "One."}),
        },
    )
    return str(tmp_path)


def check(study: str, *settings: str) -> int:
    return main(["check", "--config-dir", study, "+flows=[tiny]", *settings])


def test_each_model_is_asked_once_and_what_it_can_do_is_said(
    study: str, fake: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(study) == 0
    assert fake.stats()["calls"] == 0
    assert check(study, "live=true") == 0
    assert fake.stats()["by_model"] == {"first": 1, "second": 1}
    out = capsys.readouterr().out
    assert "model 'first' (openai-compatible first) is answered by first-served and replies in the form" in out
    assert "the price is not known" in out


def test_a_refused_form_and_a_refused_key_are_said(
    study: str, fake: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    refused_key = Rule(kind="status", status=401, match='"model": "second"')
    fake.script(refused_key, REFUSES_SCHEMAS, Rule(reply={"answer": "yes"}))
    assert check(study, "live=true") == 3
    first, second = (line for line in capsys.readouterr().out.splitlines() if line.startswith("live:"))
    assert "asked by `json`, since the usual way was refused" in first
    assert "does not accept the key" in second
    assert check(study, "live=maybe") == 2


def test_a_model_that_thinks_is_asked_with_its_own_limit(study: str, fake: FakeLLM, tmp_path: Path) -> None:
    claude = {"kind": "hosted", "provider": "anthropic", "model_id": "claude-sonnet-4-5", "api_key": "none"}
    thinks = {"base_url": fake.url, "thinking": "low", "settings": {"max_tokens": 20000}}
    served = {"kind": "hosted", "provider": "openai-compatible", "model_id": "s", "base_url": fake.openai_url}
    write_files(tmp_path, {"models/served.yaml": json.dumps({"first": claude | thinks, "second": served})})
    assert check(study, "live=true") == 0
    body = next(one["body"] for one in fake.log.requests if one["model"] == "claude-sonnet-4-5")
    assert body["max_tokens"] == 20000 > body["thinking"]["budget_tokens"]


def test_a_model_that_replies_in_another_form_does_not_pass(
    study: str, fake: FakeLLM, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.script(Rule(reply="Yes, it is."))
    assert check(study, "live=true") == 3
    assert "set `structured` to another way" in capsys.readouterr().out
