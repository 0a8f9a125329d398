"""What went over the wire is what a reply says, and what the check says beforehand."""

from __future__ import annotations

import json
import subprocess
import sys
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
    ("anthropic", "claude-haiku-5-5", "", {"max_tokens"}),
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


_ASKED = """
import asyncio, sys
from agents.llms.factory import build_model
from contract.calls import ModelSettings
from contract.models import HostedModel
from tests.agents.llms.requests import make_request

async def ask():
    settings = ModelSettings(temperature=0)
    config = HostedModel(
        provider=sys.argv[1], model_id=sys.argv[2], base_url=sys.argv[3], api_key="none", settings=settings
    )
    model = build_model("m", config)
    print((await model.complete(make_request().model_copy(update={"settings": ModelSettings()}))).text)
    await model.aclose()

asyncio.run(ask())
"""


@pytest.mark.parametrize(
    ("provider", "model_id", "path"), [("anthropic", "claude-haiku-5-5", ""), ("openai", "gpt-5-mini", "/v1")]
)
def test_no_file_of_a_library_is_shown_where_it_leaves_a_setting_out(
    provider: str, model_id: str, path: str, hosted_service: FakeLLM
) -> None:
    command = [sys.executable, "-c", _ASKED, provider, model_id, f"{hosted_service.url}{path}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip()
    assert not done.stderr
