"""Hosted models against a fake service that speaks their protocols: what each failure becomes."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from pydantic import HttpUrl, SecretStr

from agents.llms.factory import build_model
from agents.llms.hosted.keys import missing_key
from agents.llms.hosted.pydantic_ai_service import provider_module
from agents.llms.model import Model
from contract.calls import FinishReason, ModelReply, PicturePart, TextPart
from contract.errors import (
    ModelError,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    ModelUnusable,
    RateLimited,
    ReplyBroken,
    ReplyUnreadable,
    ServerNotRunning,
    Transient,
)
from contract.findings import ResearchDraft
from contract.models import HostedModel, Limits, Price
from contract.record import ImagePart
from tests.agents.llms.requests import make_request
from tests.support.fake_llm import FakeLLM, Rule

KEY = "sk-live-0123456789abcdefghij"
SHORT = 1.0
"""Time limit in seconds of a call that is never answered."""


@dataclass(frozen=True)
class Dialect:
    provider: str
    model_id: str
    path: str = ""


PROTOCOLS = [
    Dialect("openai", "gpt-4o-mini", "/v1"),
    Dialect("openai-compatible", "qwen3", "/v1"),
    Dialect("azure", "gpt-4o-mini"),
    Dialect("anthropic", "claude-sonnet-4-5"),
    Dialect("anthropic", "claude-3-5-haiku-latest"),
    Dialect("google", "gemini-2.5-flash"),
    Dialect("google-vertex", "gemini-2.5-flash"),
]


@pytest.fixture
def fake(hosted_service: FakeLLM) -> FakeLLM:
    hosted_service.log.reset()
    return hosted_service


@pytest.fixture(params=PROTOCOLS, ids=lambda dialect: f"{dialect.provider}-{dialect.model_id}")
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


def config(dialect: Dialect, fake: FakeLLM, timeout: float = 20, **more: object) -> HostedModel:
    fields = {
        "provider": dialect.provider,
        "model_id": dialect.model_id,
        "base_url": HttpUrl(fake.url + dialect.path),
        "api_key": SecretStr(KEY),
        "limits": Limits(timeout_seconds=timeout),
    }
    return HostedModel.model_validate(fields | more)


@asynccontextmanager
async def connected(config: HostedModel) -> AsyncGenerator[Model]:
    model = build_model("reader", config)
    try:
        yield model
    finally:
        await model.aclose()


@dataclass(frozen=True)
class Failure:
    name: str
    rule: Rule
    error: type[ModelError]
    message: str = ""


def status(code: int, error: type[ModelError], message: str = "", **more: object) -> Failure:
    rule = Rule.model_validate({"kind": "status", "status": code, "code": None} | more)
    return Failure(str(code), rule, error, message)


FAILURES = [
    status(429, RateLimited, "too many requests", retry_after="7"),
    status(500, ModelUnavailable, "HTTP 500"),
    status(503, ModelUnavailable),
    status(529, ModelUnavailable, "HTTP 529"),
    status(401, ModelUnusable, "does not accept the key"),
    status(404, ModelRejected, "finds nothing to answer this request"),
    status(400, ModelRejected, "scripted failure"),
    Failure("timeout", Rule(kind="hang"), ModelTimeout, f"within {SHORT:g} s"),
    Failure("cut", Rule(kind="cut"), ReplyBroken),
    Failure("broken_json", Rule(kind="broken_json"), ReplyUnreadable),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
async def test_failures_become_our_errors_after_one_call_and_show_no_secret(
    dialect: Dialect, failure: Failure, fake: FakeLLM, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    fake.script(failure.rule)
    timeout = SHORT if failure.name == "timeout" else 20
    # Its import takes seconds, which are not to count against the time limit.
    provider_module(dialect.provider)
    async with connected(config(dialect, fake, timeout)) as model:
        with pytest.raises(ModelError) as caught:
            await model.complete(make_request(output=ResearchDraft))
    assert type(caught.value) is failure.error
    assert failure.message in str(caught.value)
    assert fake.stats()["calls"] == 1
    shown = str(caught.value) + "".join(traceback.format_exception(caught.value))
    assert KEY not in shown
    assert fake.url not in str(caught.value)
    assert KEY not in caplog.text
    assert caught.value.__context__ is None or type(caught.value.__context__) is TimeoutError


async def test_retry_after_in_seconds_is_kept(dialect: Dialect, fake: FakeLLM) -> None:
    fake.script(Rule(kind="status", status=429, retry_after="7"))
    async with connected(config(dialect, fake)) as model:
        with pytest.raises(RateLimited) as caught:
            await model.complete(make_request())
    assert caught.value.retry_after == 7


async def test_retry_after_as_a_date_is_kept(dialect: Dialect, fake: FakeLLM) -> None:
    later = datetime.now(UTC) + timedelta(seconds=60)
    fake.script(Rule(kind="status", status=429, retry_after=format_datetime(later, usegmt=True)))
    async with connected(config(dialect, fake)) as model:
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
    (Rule(kind="thought"), "length"),
]


@pytest.mark.parametrize(("rule", "finish"), ENDINGS, ids=lambda value: getattr(value, "kind", None))
async def test_how_a_reply_ended_is_read(dialect: Dialect, rule: Rule, finish: FinishReason, fake: FakeLLM) -> None:
    fake.script(rule)
    async with connected(config(dialect, fake)) as model:
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


async def test_usage_version_and_plain_text(dialect: Dialect, fake: FakeLLM) -> None:
    async with connected(config(dialect, fake)) as model:
        reply = await model.complete(make_request())
    assert reply.text == f"{dialect.model_id} says so."
    assert reply.parsed is None
    assert reply.served_by == f"{dialect.model_id}-served"
    assert reply.usage.input_tokens > reply.usage.cached_input_tokens == 3
    assert reply.usage.output_tokens == len(reply.text) // 4
    assert reply.started <= reply.ended


async def test_a_configured_price_decides_the_cost(dialect: Dialect, fake: FakeLLM) -> None:
    price = Price(input_per_mtok=Decimal(1000), output_per_mtok=Decimal(2000))
    async with connected(config(dialect, fake, price=price)) as model:
        reply = await model.complete(make_request())
    assert reply.cost_usd == (reply.usage.input_tokens + 2 * reply.usage.output_tokens) / Decimal(1000)


@pytest.mark.parametrize(
    ("dialect", "known"),
    [
        (Dialect("openai", "gpt-4o-mini", "/v1"), True),
        (Dialect("anthropic", "claude-sonnet-4-5"), True),
        (Dialect("google", "gemini-2.5-flash"), True),
        (Dialect("openai", "a-model-of-tomorrow", "/v1"), False),
        (Dialect("openai-compatible", "gpt-4o-mini", "/v1"), False),
    ],
    ids=str,
)
async def test_cost_comes_from_the_public_list_or_is_unknown(dialect: Dialect, known: bool, fake: FakeLLM) -> None:
    async with connected(config(dialect, fake)) as model:
        reply = await model.complete(make_request())
    assert (reply.cost_usd is not None and reply.cost_usd > 0) if known else reply.cost_usd is None


@pytest.mark.parametrize("usage", ["missing", "null", "negative", "absurd", "no output"])
@pytest.mark.parametrize(
    "dialect", [PROTOCOLS[0], PROTOCOLS[1], PROTOCOLS[3], PROTOCOLS[5]], ids=lambda dialect: dialect.provider
)
async def test_tokens_that_were_not_counted_are_unknown_and_cost_no_0(
    dialect: Dialect, usage: str, fake: FakeLLM
) -> None:
    fake.script(Rule.model_validate({"usage": usage}))
    price = Price(input_per_mtok=Decimal(1000), output_per_mtok=Decimal(2000))
    async with connected(config(dialect, fake, price=price)) as model:
        try:
            reply = await model.complete(make_request())
        except ReplyBroken:
            # Anthropic's library reads no message without its counts: the reply counts as broken, and maybe billed.
            assert dialect.provider == "anthropic" and usage in ("missing", "null")
            return
    assert reply.cost_usd is None
    assert not reply.usage_is_known


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("usage", ["null counts", "words", "negative", "no total"])
@pytest.mark.parametrize("dialect", PROTOCOLS[:3], ids=lambda dialect: dialect.provider)
async def test_a_whole_reply_with_odd_counts_is_read_and_warns_nobody(
    dialect: Dialect, usage: str, fake: FakeLLM
) -> None:
    fake.script(Rule.model_validate({"usage": usage}))
    async with connected(config(dialect, fake)) as model:
        reply = await model.complete(make_request())
    assert reply.text
    assert reply.usage_is_known == (usage == "no total")


@pytest.mark.filterwarnings("error", "ignore:The model .* is deprecated")
@pytest.mark.parametrize("dialect", PROTOCOLS[3:], ids=lambda dialect: f"{dialect.provider}, {dialect.model_id}")
async def test_a_whole_reply_with_negative_counts_is_unknown_and_warns_nobody(dialect: Dialect, fake: FakeLLM) -> None:
    fake.script(Rule(usage="negative"))
    async with connected(config(dialect, fake)) as model:
        reply = await model.complete(make_request())
    assert reply.text
    assert (reply.usage_is_known, reply.cost_usd) == (False, None)


_NO_REPLIES = (
    "so it is",
    "<html><body>Please log in</body></html>",
    "{}",
    "[]",
    "null",
    '"text"',
    "7",
    '{"choices": [null]}',
)


@pytest.mark.parametrize("body", _NO_REPLIES)
async def test_a_body_that_is_no_reply_is_told_from_a_cut_one(dialect: Dialect, fake: FakeLLM, body: str) -> None:
    fake.script(Rule(body=body))
    async with connected(config(dialect, fake)) as model:
        with pytest.raises(ReplyUnreadable, match=r"the reply (was not the JSON|holds no answer)"):
            await model.complete(make_request())


async def test_a_reply_without_an_answer_is_told_in_a_sentence(fake: FakeLLM) -> None:
    fake.script(Rule(choices=0))
    async with connected(config(PROTOCOLS[0], fake)) as model:
        with pytest.raises(ReplyBroken, match="the reply holds no answer"):
            await model.complete(make_request())


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("UNEXPECTED_TOOL_CALL", "error"),
        ("OTHER", "error"),
        ("LANGUAGE", "refusal"),
        ("RECITATION", "refusal"),
        ("PROHIBITED_CONTENT", "refusal"),
        ("MAX_TOKENS", "length"),
    ],
)
async def test_what_gemini_ended_with_is_named_and_billed(word: str, finish: FinishReason, fake: FakeLLM) -> None:
    fake.script(Rule(finish_reason=word))
    async with connected(config(PROTOCOLS[5], fake)) as model:
        reply = await model.complete(make_request(output=ResearchDraft))
    assert (reply.finish_reason, reply.finish_detail) == (finish, word)
    assert reply.usage.input_tokens > 0 and reply.cost_usd
    assert fake.stats()["calls"] == 1


@pytest.mark.parametrize("dialect", [PROTOCOLS[0], PROTOCOLS[3], PROTOCOLS[5]], ids=lambda dialect: dialect.provider)
@pytest.mark.parametrize(
    "text", ['"\ud83d"', '{"a": "\ud83d", "\udc00": 1}', '{"a": "\\ud83d"}', "[" * 50_000, "[" * 900 + "]" * 900]
)
async def test_every_reply_that_was_billed_can_be_kept(dialect: Dialect, text: str, fake: FakeLLM) -> None:
    fake.script(Rule(reply=text))
    async with connected(config(dialect, fake)) as model:
        reply = await model.complete(make_request(output=ResearchDraft if dialect.path else None))
    kept = ModelReply.model_validate_json(reply.model_dump_json())
    assert kept == reply and reply.usage.input_tokens > 0


async def test_pictures_are_sent_to_models_that_see(dialect: Dialect, fake: FakeLLM) -> None:
    image = ImagePart(mime="image/png", data="iVBORw0KGgo=", alt_text="a harbour at dusk")
    asked = make_request(parts=(TextPart(text="What is this?"), PicturePart(image=image)))
    async with connected(config(dialect, fake, sees_images=True)) as model:
        await model.complete(asked)
    async with connected(config(dialect, fake, sees_images=False)) as model:
        await model.complete(asked)
    with_picture, with_description = (str(sent["body"]) for sent in fake.log.requests)
    assert "iVBORw0KGgo" in with_picture
    assert "harbour" not in with_picture
    assert "iVBORw0KGgo" not in with_description
    assert "a harbour at dusk" in with_description


async def test_a_server_that_cannot_be_reached_is_unavailable(dialect: Dialect, fake: FakeLLM) -> None:
    gone = config(dialect, fake, base_url=HttpUrl("http://127.0.0.1:9" + dialect.path))
    async with connected(gone) as model:
        with pytest.raises(ServerNotRunning, match="cannot be reached"):
            await model.complete(make_request())


async def test_a_used_up_quota_is_not_worth_another_try(fake: FakeLLM) -> None:
    fake.script(Rule(kind="status", status=429, code="insufficient_quota"))
    async with connected(config(PROTOCOLS[0], fake)) as model:
        with pytest.raises(ModelRejected, match="quota or credit"):
            await model.complete(make_request())


async def test_a_request_that_is_too_long_is_rejected(fake: FakeLLM) -> None:
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


def test_a_key_is_not_required_where_none_is_needed() -> None:
    named = HostedModel(provider="openai", model_id="gpt-4o", api_key_env="MY_KEY")
    assert missing_key(named, {}) == "no API key for openai: set the environment variable MY_KEY"
    assert missing_key(named, {"MY_KEY": KEY}) is None
    own = HostedModel(provider="openai-compatible", model_id="qwen3", base_url=HttpUrl("http://127.0.0.1:11434/v1"))
    assert missing_key(own, {}) is None


_OF_THE_ENVIRONMENT = {
    "OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_WEBHOOK_SECRET",
    "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY",
    "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT",
}  # fmt: skip
"""Variables that providers' libraries read by themselves."""


@pytest.mark.parametrize("key", ["a key of the model's own", None], ids=["key", "no key"])
async def test_nothing_of_the_environment_goes_to_a_models_address(
    dialect: Dialect, key: str | None, fake: FakeLLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in _OF_THE_ENVIRONMENT:
        monkeypatch.setenv(name, f"planted-{name.lower()}")
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Planted: planted-header")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Planted: planted-header")
    async with connected(config(dialect, fake, api_key=SecretStr(key) if key else None)) as model:
        try:
            await model.complete(make_request())
        except ModelRejected as error:
            assert key is None, error
    assert key is None or fake.stats()["calls"] == 1
    for sent in fake.log.requests:
        assert "planted" not in str(sent).lower()


async def test_a_redirect_is_not_followed_named_and_not_tried_again(dialect: Dialect, fake: FakeLLM) -> None:
    """The key would go to another host than the one that was allowed."""
    with FakeLLM() as elsewhere:
        fake.script(Rule(kind="status", status=307, location=elsewhere.url + "/v1/chat/completions"))
        async with connected(config(dialect, fake)) as model:
            with pytest.raises(ModelRejected, match=r"never followed.*`base_url`"):
                await model.complete(make_request())
        assert elsewhere.log.requests == []
    assert len(fake.log.requests) == 1


def test_keys_are_in_no_repr_and_no_dump() -> None:
    held = HostedModel(provider="openai", model_id="gpt-4o", api_key=SecretStr(KEY))
    assert KEY not in f"{held!r}{held}{held.model_dump_json()}{held.model_dump()}"


@pytest.mark.parametrize("word", ["error", "abort", "insufficient_system_resource"])
async def test_a_part_of_a_reply_that_the_server_broke_off_is_named_as_that(word: str, fake: FakeLLM) -> None:
    """Gateways and servers of one's own have these words for it, some with the part that was written."""
    fake.script(Rule(finish_reason=word, reply='{"verd'))
    async with connected(config(PROTOCOLS[0], fake)) as model:
        reply = await model.complete(make_request())
    assert (reply.finish_reason, reply.finish_detail) == ("error", word)
