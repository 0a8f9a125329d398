"""Each block of docs/providers.md is a model that works, against a service that refuses what that provider refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from pydantic import HttpUrl, SecretStr

from agents.llms.factory import build_model
from contract.findings import ResearchDraft
from contract.models import HostedModel
from tests.agents.llms.requests import make_request
from tests.support.commands import ROOT
from tests.support.fake_llm import FakeLLM, Rule

PAGE = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
MODELS: dict[str, Any] = {
    name: entry
    for text in re.findall(r"<!-- file: models/\w+\.yaml -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    for name, entry in yaml.safe_load(text).items()
}
PROMPTED = Rule(reply={"claims": []})


@dataclass(frozen=True)
class Habit:
    """What a service refuses by a word in the request's body, and what a request to it holds."""

    holds: tuple[str, ...]
    refuses: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    path: str = "/v1"


HABITS = {
    "azure-gpt": Habit(("response_format", "max_completion_tokens"), ('"max_tokens"',), path=""),
    "vertex-gemini": Habit(("responseJsonSchema", "thinkingConfig"), path=""),
    "bedrock-claude": Habit(("tools", "bedrock-2023-05-31"), ('"output_config"',), path=""),
    "bedrock-oss": Habit(("max_tokens",), ('"response_format"', '"tools"'), (PROMPTED,)),
    "deepseek": Habit(("json_object",), ('"json_schema"',), (PROMPTED,)),
    "openrouter-llama": Habit(("json_schema", "allow_fallbacks", "require_parameters")),
    "gateway-claude": Habit(("tools",), ('"seed"', '"response_format"')),
    "vllm-qwen": Habit(("json_schema", "enable_thinking"), ('"max_completion_tokens"',)),
    "ollama-qwen": Habit(("'reasoning_effort': 'none'",)),
}


def test_every_block_of_the_page_is_tried() -> None:
    assert MODELS.keys() == HABITS.keys()


@pytest.mark.parametrize("name", HABITS)
async def test_a_block_of_the_page_is_asked_and_read(name: str, hosted_service: FakeLLM) -> None:
    hosted_service.log.reset()
    habit = HABITS[name]
    refusals = [Rule(kind="status", status=400, message=f"unknown field {word}", match=word) for word in habit.refuses]
    hosted_service.script(*refusals, *habit.rules)
    declared = HostedModel.model_validate(MODELS[name])
    # With a key in the place of a login, Google's library takes no project.
    login = {"project": None, "location": None} if declared.project else {}
    here = {"base_url": HttpUrl(hosted_service.url + habit.path), "api_key": SecretStr("none"), **login}
    model = build_model(name, declared.model_copy(update=here))
    request = make_request(output=ResearchDraft)
    try:
        reply = await model.complete(
            request.model_copy(update={"settings": request.settings.model_copy(update={"seed": 7})})
        )
    finally:
        await model.aclose()
    assert hosted_service.stats()["calls"] == 1
    assert reply.parsed is not None and reply.structured is None
    assert reply.usage.input_tokens and reply.served_by == f"{declared.model_id}-served"
    body = str(hosted_service.log.requests[0]["body"])
    assert [word for word in habit.holds if word not in body] == []


async def test_bedrock_is_asked_with_the_models_own_key_alone(
    hosted_service: FakeLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, f"planted-{name}")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Planted: planted")
    monkeypatch.setenv("AWS_REGION", "planted-1")
    hosted_service.log.reset()
    declared = HostedModel.model_validate(MODELS["bedrock-claude"])
    here = {"base_url": HttpUrl(hosted_service.url), "api_key": SecretStr("mine")}
    model = build_model("claude", declared.model_copy(update=here))
    try:
        await model.complete(make_request(output=ResearchDraft))
    finally:
        await model.aclose()
    [sent] = hosted_service.log.requests
    assert "planted" not in str(sent) and "Bearer mine" in str(sent)
