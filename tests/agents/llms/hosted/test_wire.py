"""Hosted models against a fake service that speaks their protocols: what each failure becomes."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from importlib import import_module

import pytest
from pydantic import HttpUrl, SecretStr

from agents.llms.factory import build_model
from agents.llms.hosted.keys import missing_key
from agents.llms.model import Model
from contract.calls import FinishReason, PicturePart, TextPart
from contract.errors import (
    ModelError,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    RateLimited,
    ReplyBroken,
    Transient,
)
from contract.findings import ResearchDraft
from contract.models import HostedModel, Limits, Price
from contract.record import ImagePart
from tests.agents.llms.requests import make_request
from tests.support.fake_llm import FakeLLM, Rule

KEY = "sk-live-0123456789abcdefghij"
SHORT = 1.0
"""Seconds allowed to a call that is never answered."""


@dataclass(frozen=True)
class Spoken:
    provider: str
    model_id: str
    path: str = ""


PROTOCOLS = [
    Spoken("openai", "gpt-4o-mini", "/v1"),
    Spoken("openai-compatible", "qwen3", "/v1"),
    Spoken("azure", "gpt-4o-mini"),
    Spoken("anthropic", "claude-sonnet-4-5"),
    Spoken("anthropic", "claude-3-5-haiku-latest"),
    Spoken("google", "gemini-2.5-flash"),
    Spoken("google-vertex", "gemini-2.5-flash"),
]


@pytest.fixture(scope="module")
def fake_service() -> Iterator[FakeLLM]:
    # Imported here so that the seconds it takes do not count against a call's time limit.
    import_module("agents.llms.hosted.pydantic_ai_service")
    with FakeLLM() as fake:
        yield fake


@pytest.fixture
def fake(fake_service: FakeLLM) -> FakeLLM:
    fake_service.log.reset()
    return fake_service


@pytest.fixture(params=PROTOCOLS, ids=lambda spoken: f"{spoken.provider}-{spoken.model_id}")
def spoken(request: pytest.FixtureRequest) -> Spoken:
    return request.param


def config(spoken: Spoken, fake: FakeLLM, timeout: float = 20, **more: object) -> HostedModel:
    given = {
        "provider": spoken.provider,
        "model_id": spoken.model_id,
        "base_url": HttpUrl(fake.url + spoken.path),
        "api_key": SecretStr(KEY),
        "limits": Limits(timeout_seconds=timeout),
    }
    return HostedModel.model_validate(given | more)


@asynccontextmanager
async def connected(config: HostedModel) -> AsyncGenerator[Model]:
    model = build_model("reader", config)
    try:
        yield model
    finally:
        await model.aclose()


@dataclass(frozen=True)
class Failing:
    name: str
    rule: Rule
    error: type[ModelError]
    says: str = ""


def status(code: int, error: type[ModelError], says: str = "", **more: object) -> Failing:
    rule = Rule.model_validate({"kind": "status", "status": code, "code": None} | more)
    return Failing(str(code), rule, error, says)


FAILING = [
    status(429, RateLimited, "too many requests", retry_after="7"),
    status(500, ModelUnavailable, "HTTP 500"),
    status(503, ModelUnavailable),
    status(529, ModelUnavailable, "HTTP 529"),
    status(401, ModelRejected, "does not accept the key"),
    status(404, ModelRejected, "knows no model"),
    status(400, ModelRejected, "scripted failure"),
    Failing("timeout", Rule(kind="hang"), ModelTimeout, f"within {SHORT:g} s"),
    Failing("cut", Rule(kind="cut"), ReplyBroken),
    Failing("broken_json", Rule(kind="broken_json"), ReplyBroken),
]


@pytest.mark.parametrize("failing", FAILING, ids=lambda failing: failing.name)
async def test_failures_become_our_errors_after_one_call_and_tell_no_secret(
    spoken: Spoken, failing: Failing, fake: FakeLLM, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.script(failing.rule)
    timeout = SHORT if failing.name == "timeout" else 20
    async with connected(config(spoken, fake, timeout)) as model:
        with pytest.raises(ModelError) as caught:
            await model.complete(make_request(output=ResearchDraft))
    assert type(caught.value) is failing.error
    assert failing.says in str(caught.value)
    assert fake.stats()["calls"] == 1
    told = str(caught.value) + "".join(traceback.format_exception(caught.value))
    assert KEY not in told
    assert fake.url not in str(caught.value)
    assert KEY not in caplog.text
    assert caught.value.__context__ is None or type(caught.value.__context__) is TimeoutError


async def test_retry_after_in_seconds_is_kept(spoken: Spoken, fake: FakeLLM) -> None:
    fake.script(Rule(kind="status", status=429, retry_after="7"))
    async with connected(config(spoken, fake)) as model:
        with pytest.raises(RateLimited) as caught:
            await model.complete(make_request())
    assert caught.value.retry_after == 7


async def test_retry_after_as_a_date_is_kept(spoken: Spoken, fake: FakeLLM) -> None:
    later = datetime.now(UTC) + timedelta(seconds=60)
    fake.script(Rule(kind="status", status=429, retry_after=format_datetime(later, usegmt=True)))
    async with connected(config(spoken, fake)) as model:
        with pytest.raises(Transient) as caught:
            await model.complete(make_request())
    assert caught.value.retry_after is not None
    assert 40 < caught.value.retry_after <= 60


ENDINGS: list[tuple[Rule, FinishReason]] = [
    (Rule(), "stop"),
    (Rule(kind="wrong_schema"), "stop"),
    (Rule(kind="refusal"), "refusal"),
    (Rule(kind="blocked"), "refusal"),
    (Rule(kind="length"), "length"),
]


@pytest.mark.parametrize(("rule", "finish"), ENDINGS, ids=lambda value: getattr(value, "kind", None))
async def test_endings(spoken: Spoken, rule: Rule, finish: FinishReason, fake: FakeLLM) -> None:
    fake.script(rule)
    async with connected(config(spoken, fake)) as model:
        reply = await model.complete(make_request(output=ResearchDraft))
    assert reply.finish_reason == finish
    assert fake.stats()["calls"] == 1
    assert not reply.from_cache
    if rule.kind == "reply":
        ResearchDraft.model_validate(reply.parsed)
    elif rule.kind == "wrong_schema":
        assert reply.parsed == {"nobody": "asked for this"}
    else:
        assert reply.parsed is None


async def test_usage_version_and_plain_text(spoken: Spoken, fake: FakeLLM) -> None:
    async with connected(config(spoken, fake)) as model:
        reply = await model.complete(make_request())
    assert reply.text == f"{spoken.model_id} says so."
    assert reply.parsed is None
    assert reply.served_by == f"{spoken.model_id}-served"
    assert reply.usage.input_tokens > reply.usage.cached_input_tokens == 3
    assert reply.usage.output_tokens == len(reply.text) // 4
    assert reply.started <= reply.ended


async def test_a_configured_price_decides_the_cost(spoken: Spoken, fake: FakeLLM) -> None:
    price = Price(input_per_mtok=Decimal(1000), output_per_mtok=Decimal(2000))
    async with connected(config(spoken, fake, price=price)) as model:
        reply = await model.complete(make_request())
    assert reply.cost_usd == (reply.usage.input_tokens + 2 * reply.usage.output_tokens) / Decimal(1000)


@pytest.mark.parametrize(
    ("spoken", "known"),
    [
        (Spoken("openai", "gpt-4o-mini", "/v1"), True),
        (Spoken("anthropic", "claude-sonnet-4-5"), True),
        (Spoken("google", "gemini-2.5-flash"), True),
        (Spoken("openai", "a-model-of-tomorrow", "/v1"), False),
        (Spoken("openai-compatible", "gpt-4o-mini", "/v1"), False),
    ],
    ids=str,
)
async def test_cost_comes_from_the_public_list_and_unknown_is_none(spoken: Spoken, known: bool, fake: FakeLLM) -> None:
    async with connected(config(spoken, fake)) as model:
        reply = await model.complete(make_request())
    assert (reply.cost_usd is not None and reply.cost_usd > 0) if known else reply.cost_usd is None


async def test_pictures_are_sent_to_models_that_see(spoken: Spoken, fake: FakeLLM) -> None:
    image = ImagePart(mime="image/png", data="iVBORw0KGgo=", alt_text="a harbour at dusk")
    asked = make_request(parts=(TextPart(text="What is this?"), PicturePart(image=image)))
    async with connected(config(spoken, fake, sees_images=True)) as model:
        await model.complete(asked)
    async with connected(config(spoken, fake, sees_images=False)) as model:
        await model.complete(asked)
    seen, told = (str(sent["body"]) for sent in fake.log.requests)
    assert "iVBORw0KGgo" in seen
    assert "harbour" not in seen
    assert "iVBORw0KGgo" not in told
    assert "a harbour at dusk" in told


async def test_a_server_that_is_not_there_is_unavailable(spoken: Spoken, fake: FakeLLM) -> None:
    gone = config(spoken, fake, base_url=HttpUrl("http://127.0.0.1:9" + spoken.path))
    async with connected(gone) as model:
        with pytest.raises(ModelUnavailable, match="cannot be reached"):
            await model.complete(make_request())


async def test_a_used_up_quota_is_not_worth_another_try(fake: FakeLLM) -> None:
    fake.script(Rule(kind="status", status=429, code="insufficient_quota"))
    async with connected(config(PROTOCOLS[0], fake)) as model:
        with pytest.raises(ModelRejected, match="quota or credit"):
            await model.complete(make_request())


async def test_a_request_that_is_too_long_is_told_so(fake: FakeLLM) -> None:
    fake.script(Rule(kind="status", status=400, code="context_length_exceeded"))
    async with connected(config(PROTOCOLS[0], fake)) as model:
        with pytest.raises(ModelRejected, match="longer than the model can read"):
            await model.complete(make_request())


async def test_a_missing_key_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    without = HostedModel(provider="anthropic", model_id="claude-sonnet-4-5")
    assert "ANTHROPIC_API_KEY" in (missing_key(without) or "")
    with pytest.raises(ModelRejected, match="ANTHROPIC_API_KEY"):
        await build_model("reader", without).complete(make_request())


def test_keys_are_found_in_the_environment_and_not_wanted_where_none_is_needed() -> None:
    named = HostedModel(provider="openai", model_id="gpt-4o", api_key_env="MY_KEY")
    assert missing_key(named, {}) == "no API key for openai: set the environment variable MY_KEY"
    assert missing_key(named, {"MY_KEY": KEY}) is None
    own = HostedModel(provider="openai-compatible", model_id="qwen3", base_url=HttpUrl("http://127.0.0.1:11434/v1"))
    assert missing_key(own, {}) is None


def test_keys_are_in_no_repr_and_no_dump() -> None:
    held = HostedModel(provider="openai", model_id="gpt-4o", api_key=SecretStr(KEY))
    assert KEY not in f"{held!r}{held}{held.model_dump_json()}{held.model_dump()}"
