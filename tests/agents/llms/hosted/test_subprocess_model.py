"""Hosted models called from a subprocess: the same replies and errors, and no process is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from pydantic import HttpUrl, SecretStr

from agents.llms.factory import ModelRegistry
from agents.llms.hosted.subprocess_model import CallerProcess
from contract.calls import PicturePart, TextPart
from contract.errors import ModelUnusable, RateLimited, ReplyBroken
from contract.findings import ResearchDraft
from contract.models import HostedModel, Limits
from contract.record import ImagePart
from tests.agents.llms.requests import make_request
from tests.support.commands import wait_until
from tests.support.fake_llm import FakeLLM, Rule

KEY = "sk-live-0123456789abcdefghij"


def config(fake: FakeLLM, **more: object) -> HostedModel:
    fields = {"provider": "openai", "model_id": "gpt-4o-mini", "base_url": HttpUrl(fake.openai_url)}
    return HostedModel.model_validate({**fields, "api_key": SecretStr(KEY), **more})


@pytest.fixture
async def registry(fake: FakeLLM) -> AsyncGenerator[ModelRegistry]:
    limits = Limits(timeout_seconds=20)
    configs = {"a": config(fake, limits=limits), "b": config(fake, sees_images=True, model_id="gpt-4o")}
    running = ModelRegistry(configs, transport=CallerProcess())
    yield running
    await running.aclose()
    assert not callers()


def callers() -> list[int]:
    """The processes that this one has started for calling models."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
    return [int(pid) for pid in pids if b"hosted.subprocess_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def sockets() -> int:
    """How many sockets the process that calls models has open."""
    (caller,) = callers()
    return sum(_link_target(path).startswith("socket:") for path in Path(f"/proc/{caller}/fd").iterdir())


def _link_target(path: Path) -> str:
    """Where the link leads; empty for a file that the process has closed meanwhile."""
    try:
        return path.readlink().name
    except FileNotFoundError:
        return ""


def visible_to_others() -> bytes:
    """What other processes can see of the process that calls models."""
    (caller,) = callers()
    return b"".join(Path(f"/proc/{caller}/{name}").read_bytes() for name in ("cmdline", "environ"))


async def test_replies_are_those_of_a_call_from_here_and_keys_go_only_to_the_service(
    registry: ModelRegistry, fake: FakeLLM
) -> None:
    asked = make_request(output=ResearchDraft)
    here = ModelRegistry({"a": config(fake)})
    theirs, ours = await registry.get("a").complete(asked), await here.get("a").complete(asked)
    await here.aclose()
    times = {"started", "ended"}
    assert theirs.model_dump(exclude=times) == ours.model_dump(exclude=times)
    assert theirs.parsed and theirs.cost_usd
    first, second = fake.log.requests
    assert first["body"] == second["body"]
    assert KEY.encode() not in visible_to_others()


async def test_models_share_one_process_and_pictures_reach_models_that_see(
    registry: ModelRegistry, fake: FakeLLM
) -> None:
    image = ImagePart(mime="image/png", data="iVBORw0KGgo=", alt_text="a harbour at dusk")
    asked = make_request(parts=(TextPart(text="What is this?"), PicturePart(image=image)))
    await asyncio.gather(*(registry.get(name).complete(asked) for name in ("a", "b")))
    bodies = {sent["body"]["model"]: str(sent["body"]) for sent in fake.log.requests}
    assert "a harbour at dusk" in bodies["gpt-4o-mini"]
    assert "iVBORw0KGgo" in bodies["gpt-4o"]
    assert len(callers()) == 1


async def test_errors_keep_their_kind_and_the_wait_that_was_asked_for(registry: ModelRegistry, fake: FakeLLM) -> None:
    fake.script(Rule(kind="status", status=401))
    with pytest.raises(ModelUnusable, match="does not accept the key"):
        await registry.get("b").complete(make_request())
    fake.script(Rule(kind="status", status=429, retry_after="7"))
    with pytest.raises(RateLimited) as caught:
        await registry.get("a").complete(make_request())
    assert caught.value.retry_after == 7


async def test_a_call_without_a_waiting_caller_is_cancelled(registry: ModelRegistry, fake: FakeLLM) -> None:
    await registry.get("a").complete(make_request())
    fake.script(Rule(kind="hang", times=1))
    asking = asyncio.create_task(registry.get("b").complete(make_request()))
    await asyncio.to_thread(wait_until, lambda: fake.stats()["calls"] == 2, "the call")
    open_before = sockets()
    asking.cancel()
    await asyncio.to_thread(wait_until, lambda: sockets() < open_before, "its connection to be closed")
    assert (await registry.get("b").complete(make_request("And this?"))).text


async def test_a_process_that_dies_fails_the_calls_under_way_and_another_takes_its_place(
    registry: ModelRegistry, fake: FakeLLM
) -> None:
    fake.script(Rule(kind="hang", times=2))
    asking = [asyncio.create_task(registry.get(name).complete(make_request())) for name in ("a", "b")]
    await asyncio.to_thread(wait_until, lambda: fake.stats()["calls"] == 2, "two calls")
    (caller,) = callers()
    os.kill(caller, signal.SIGKILL)
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ReplyBroken, ReplyBroken]
    assert (await registry.get("a").complete(make_request("And this?"))).text
    assert len(callers()) == 1 and callers() != [caller]


async def test_a_process_started_early_takes_the_first_call_and_ends_where_there_is_none(fake: FakeLLM) -> None:
    early, idle = CallerProcess(), CallerProcess()
    early.prestart({"openai"})
    # Its command line is empty until the child process has loaded its program.
    await asyncio.to_thread(wait_until, lambda: bool(callers()), "the process that calls models")
    (pid,) = callers()
    idle.prestart({"openai"})
    registry = ModelRegistry({"a": config(fake)}, transport=early)
    assert (await registry.get("a").complete(make_request())).text
    idle.kill_unused()
    assert callers() == [pid]
    await registry.aclose()
    assert not callers()


async def test_starting_the_process_and_its_libraries_counts_against_no_call(fake: FakeLLM) -> None:
    quick = ModelRegistry({"a": config(fake, limits=Limits(timeout_seconds=0.7))}, transport=CallerProcess())
    try:
        assert (await quick.get("a").complete(make_request())).text
    finally:
        await quick.aclose()
    assert fake.stats()["calls"] == 1
