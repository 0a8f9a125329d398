"""What went over the wire is what a reply says, and what the check says beforehand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr

from agents.llms.factory import build_model
from agents.llms.hosted.dry_request import settings_on_the_wire
from contract.calls import ModelSettings
from contract.models import HostedModel
from tests.agents.llms.requests import make_request
from tests.support.fake_llm import FakeLLM

ASKED: dict[str, Any] = {"temperature": 0.0, "seed": 7, "max_tokens": 900}
MODELS = [
    ("openai", "gpt-4o-mini", "/v1", {"temperature", "seed", "max_tokens"}),
    ("openai", "gpt-5-mini", "/v1", {"seed", "max_tokens"}),
    ("openai-compatible", "qwen3", "/v1", {"temperature", "seed", "max_tokens"}),
    ("anthropic", "claude-sonnet-4-5", "", {"temperature", "max_tokens"}),
    ("google", "gemini-2.5-flash", "", {"temperature", "seed", "max_tokens"}),
]


@pytest.mark.parametrize(
    ("provider", "model_id", "path", "taken"), MODELS, ids=[f"{provider}-{model}" for provider, model, *_ in MODELS]
)
async def test_a_reply_names_the_settings_that_were_sent(
    provider: Any, model_id: str, path: str, taken: set[str], hosted_service: FakeLLM
) -> None:
    hosted_service.log.reset()
    address = HttpUrl(f"{hosted_service.url}{path}")
    settings = ModelSettings.model_validate(ASKED)
    config = HostedModel(
        provider=provider, model_id=model_id, base_url=address, api_key=SecretStr("none"), settings=settings
    )
    expected = {name: ASKED[name] for name in taken}
    assert await settings_on_the_wire(config, ModelSettings()) == expected
    assert hosted_service.stats()["calls"] == 0
    model = build_model("m", config)
    try:
        request = make_request()
        reply = await model.complete(request.model_copy(update={"settings": ModelSettings()}))
    finally:
        await model.aclose()
    assert reply.sent == expected
    body = json.dumps(hosted_service.log.requests[0]["body"])
    assert ('"temperature"' in body) == ("temperature" in taken)
    assert ('"seed"' in body) == ("seed" in taken)
