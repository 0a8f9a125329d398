"""What differs from one service to the next: how structure is asked for, thinking, names, further fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr, ValidationError

from agents.llms.factory import build_model
from agents.llms.hosted.dry_request import settings_on_the_wire
from contract.calls import ModelReply, ModelSettings
from contract.errors import ModelRejected
from contract.findings import ResearchDraft
from contract.models import HostedModel
from tests.agents.llms.requests import make_request
from tests.support.fake_llm import FakeLLM, Rule

REFUSED = {"kind": "status", "status": 400, "message": "This response_format type is unavailable now"}
PLAIN = HostedModel(provider="openai-compatible", model_id="m", base_url=HttpUrl("http://localhost/v1"))


@pytest.fixture
def fake(hosted_service: FakeLLM) -> FakeLLM:
    hosted_service.log.reset()
    return hosted_service


def config(fake: FakeLLM, provider: str = "openai-compatible", model_id: str = "qwen3", **more: Any) -> HostedModel:
    path = "/v1" if provider.startswith("openai") else ""
    fields = {"provider": provider, "model_id": model_id, "base_url": fake.url + path, "api_key": SecretStr("none")}
    return HostedModel.model_validate(fields | more)


async def ask(config: HostedModel, times: int = 1) -> list[ModelReply]:
    model = build_model("m", config)
    try:
        return [await model.complete(make_request(output=ResearchDraft)) for _ in range(times)]
    finally:
        await model.aclose()


def body(fake: FakeLLM, number: int = 0) -> dict[str, Any]:
    return fake.log.requests[number]["body"]


@pytest.mark.parametrize("way", ["schema", "json", "tool", "prompt"])
async def test_structure_is_asked_for_as_configured(way: str, fake: FakeLLM) -> None:
    fake.script(*([] if way in ("schema", "tool") else [Rule(reply={"claims": []})]))
    (reply,) = await ask(config(fake, structured=way))
    assert reply.parsed is not None
    assert reply.structured is None
    sent = body(fake)
    kind = {"schema": "json_schema", "json": "json_object"}.get(way)
    assert sent.get("response_format", {}).get("type") == kind
    assert ("tools" in sent) == (way == "tool")
    assert ("JSON schema" in json.dumps(sent["messages"])) == (way in ("json", "prompt"))


async def test_a_refused_way_steps_down_once_and_is_remembered(fake: FakeLLM) -> None:
    fake.script(Rule.model_validate(REFUSED | {"match": '"json_schema"'}), Rule(reply={"claims": []}))
    replies = await ask(config(fake), times=2)
    kinds = [request["body"]["response_format"]["type"] for request in fake.log.requests]
    assert kinds == ["json_schema", "json_object", "json_object"]
    assert [reply.structured for reply in replies] == ["json", "json"]


@pytest.mark.parametrize(
    ("structured", "asked"),
    [
        (None, ["json_schema", "json_object", None, None]),
        ("json", ["json_object", None, None]),
        ("tool", [None, None, None]),
    ],
)
async def test_a_server_that_refuses_every_form_is_asked_by_prompt(
    structured: str | None, asked: list[str | None], fake: FakeLLM
) -> None:
    refusals = [Rule.model_validate(REFUSED | {"match": f'"{field}"'}) for field in ("response_format", "tools")]
    fake.script(*refusals, Rule(reply={"claims": []}))
    replies = await ask(config(fake, structured=structured), times=2)
    bodies: list[dict[str, Any]] = [request["body"] for request in fake.log.requests]
    assert [body.get("response_format", {}).get("type") for body in bodies] == asked
    assert "tools" not in bodies[-1] and "JSON schema" in json.dumps(bodies[-1]["messages"])
    assert [reply.structured for reply in replies] == ["prompt", "prompt"]
    assert all(reply.parsed is not None for reply in replies)


async def test_where_every_simpler_way_is_refused_too_the_first_refusal_is_shown(fake: FakeLLM) -> None:
    first = Rule.model_validate(REFUSED | {"match": '"json_schema"', "message": "no response_format: the first"})
    fake.script(first, Rule.model_validate(REFUSED))
    with pytest.raises(ModelRejected, match="the first"):
        await ask(config(fake))
    assert fake.stats()["calls"] == 3


async def test_a_form_that_no_way_asks_for_is_asked_for_once_more_each_time(fake: FakeLLM) -> None:
    fake.script(Rule.model_validate(REFUSED))
    model = build_model("m", config(fake))
    for _ in range(2):
        with pytest.raises(ModelRejected):
            await model.complete(make_request(output=ResearchDraft))
    await model.aclose()
    assert fake.stats()["calls"] == 4


async def test_another_refusal_is_no_reason_to_ask_again(fake: FakeLLM) -> None:
    fake.script(Rule.model_validate(REFUSED | {"message": "your text breaks our policy"}))
    with pytest.raises(ModelRejected):
        await ask(config(fake))
    assert fake.stats()["calls"] == 1


@pytest.mark.parametrize("provider", ["anthropic", "google"])
async def test_other_protocols_ask_by_prompt_too(provider: str, fake: FakeLLM) -> None:
    fake.script(Rule(reply={"claims": []}))
    model_id = {"anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}[provider]
    (reply,) = await ask(config(fake, provider, model_id, structured="prompt"))
    assert reply.parsed == {"claims": []}
    assert "JSON schema" in json.dumps(body(fake))
    assert not {"tools", "output_config", "output_format"} & body(fake).keys()
    assert "responseMimeType" not in body(fake).get("generationConfig", {})


@pytest.mark.parametrize(
    ("thinking", "provider", "model_id", "sent"),
    [
        ("off", "openai-compatible", "qwen3", {"reasoning_effort": "none"}),
        ("low", "openai-compatible", "qwen3", {"reasoning_effort": "low"}),
        ("high", "openai", "gpt-5-mini", {"reasoning_effort": "high"}),
        ("medium", "anthropic", "claude-sonnet-4-5", "thinking"),
        ("low", "google", "gemini-2.5-flash", "thinkingConfig"),
    ],
)
async def test_thinking_is_sent_and_noted(
    thinking: str, provider: str, model_id: str, sent: dict[str, str] | str, fake: FakeLLM
) -> None:
    # Claude's thinking tokens stand below the limit of the reply.
    declared = config(fake, provider, model_id, thinking=thinking, settings={"max_tokens": 20_000})
    (reply,) = await ask(declared)
    whole: dict[str, Any] = body(fake).get("generationConfig") or body(fake)
    if isinstance(sent, str):
        assert whole[sent]
    else:
        assert sent.items() <= whole.items()
    assert (reply.sent or {})["thinking"] == thinking
    assert (await settings_on_the_wire(declared, ModelSettings()))["thinking"] == thinking


async def test_a_model_that_does_not_think_is_sent_no_thinking(fake: FakeLLM) -> None:
    declared = config(fake, "openai", "gpt-4o-mini", thinking="low")
    assert "thinking" not in await settings_on_the_wire(declared, ModelSettings())


async def test_further_fields_headers_and_names_reach_a_gateway(fake: FakeLLM) -> None:
    await ask(
        config(
            fake,
            settings={"temperature": 0.0, "seed": 7},
            unsupported=["temperature"],
            token_limit_name="max_completion_tokens",
            extra_body={"provider": {"order": ["together"]}},
            extra_headers={"X-Title": "My study"},
        )
    )
    sent = body(fake)
    assert "temperature" not in sent and sent["seed"] == 7
    assert "max_completion_tokens" in sent and "max_tokens" not in sent
    assert sent["provider"] == {"order": ["together"]}
    assert fake.log.requests[0]["headers"]["x-title"] == "My study"


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("Unsupported parameter: 'temperature' is not supported with this model.", "unsupported: [temperature]"),
        ("Unsupported parameter: 'max_tokens'", "token_limit_name: max_completion_tokens"),
        ("`max_tokens` must be greater than `thinking.budget_tokens`.", "settings: {max_tokens: 20000}"),
    ],
)
async def test_a_refused_setting_is_answered_with_the_line_to_write(message: str, advice: str, fake: FakeLLM) -> None:
    fake.script(Rule(kind="status", status=400, message=message))
    with pytest.raises(ModelRejected) as caught:
        await ask(config(fake))
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    "field",
    [
        {"extra_body": {"model": "another"}},
        {"extra_body": {"api_base": "http://elsewhere"}},
        {"extra_body": {"route": {"api_key": "k"}}},
        {"extra_headers": {"Authorization": "Bearer x"}},
        {"extra_headers": {"X-Title": "a\r\nHost: b"}},
        {"extra_headers": {"Host": "b"}},
        {"thinking": "much"},
    ],
)
def test_options_that_could_redirect_or_reveal_are_refused(field: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HostedModel.model_validate(PLAIN.model_dump() | field)


def test_options_are_part_of_what_is_kept_only_where_they_are_set() -> None:
    fingerprint = PLAIN.fingerprint
    assert "structured" not in PLAIN.model_dump() and "extra_body" not in PLAIN.model_dump()
    for field in ({"structured": "json"}, {"thinking": False}, {"extra_body": {"a": 1}}, {"unsupported": ["seed"]}):
        assert HostedModel.model_validate(PLAIN.model_dump() | field).fingerprint != fingerprint
    named = PLAIN.model_copy(update={"token_limit_name": "max_completion_tokens"})
    assert named.fingerprint == fingerprint
    assert HostedModel.model_validate(PLAIN.model_dump() | {"thinking": False}).thinking == "off"
