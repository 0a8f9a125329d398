"""Hosted models asked from a process beside: the same replies and errors, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest
from pydantic import HttpUrl, SecretStr

from agents.llms.factory import ModelRegistry
from agents.llms.hosted.subprocess_model import CallerProcess
from contract.calls import PicturePart, TextPart
from contract.errors import ModelRejected, RateLimited, ReplyBroken
from contract.findings import ResearchDraft
from contract.models import HostedModel, Limits
from contract.record import ImagePart
from tests.agents.llms.requests import make_request
from tests.support.commands import wait_until
from tests.support.fake_llm import FakeLLM, Rule

KEY = "sk-live-0123456789abcdefghij"


@pytest.fixture
def fake() -> Iterator[FakeLLM]:
    with FakeLLM() as running:
        yield running


def config(fake: FakeLLM, **more: object) -> HostedModel:
    given = {"provider": "openai", "model_id": "gpt-4o-mini", "base_url": HttpUrl(fake.openai_url)}
    return HostedModel.model_validate({**given, "api_key": SecretStr(KEY), **more})


@pytest.fixture
async def book(fake: FakeLLM) -> AsyncGenerator[ModelRegistry]:
    limits = Limits(timeout_seconds=20)
    configs = {"a": config(fake, limits=limits), "b": config(fake, sees_images=True, model_id="gpt-4o")}
    running = ModelRegistry(configs, transport=CallerProcess())
    yield running
    await running.aclose()
    assert not callers()


def callers() -> list[int]:
    """The processes that this one has started to call models."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
    return [int(pid) for pid in pids if b"hosted.subprocess_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def sockets() -> int:
    """What the process that calls has open to others."""
    (caller,) = callers()
    return sum(path.readlink().name.startswith("socket:") for path in Path(f"/proc/{caller}/fd").iterdir())


def seen_by_anybody() -> bytes:
    """What other processes can see of the process that calls."""
    (caller,) = callers()
    return b"".join(Path(f"/proc/{caller}/{name}").read_bytes() for name in ("cmdline", "environ"))


async def test_replies_are_those_of_a_call_from_here_and_keys_go_only_to_the_service(
    book: ModelRegistry, fake: FakeLLM
) -> None:
    asked = make_request(output=ResearchDraft)
    here = ModelRegistry({"a": config(fake)})
    theirs, ours = await book.get("a").complete(asked), await here.get("a").complete(asked)
    await here.aclose()
    times = {"started", "ended"}
    assert theirs.model_dump(exclude=times) == ours.model_dump(exclude=times)
    assert theirs.parsed and theirs.cost_usd
    first, second = fake.log.requests
    assert first["body"] == second["body"]
    assert KEY.encode() not in seen_by_anybody()


async def test_models_share_one_process_and_pictures_reach_those_that_see(book: ModelRegistry, fake: FakeLLM) -> None:
    image = ImagePart(mime="image/png", data="iVBORw0KGgo=", alt_text="a harbour at dusk")
    asked = make_request(parts=(TextPart(text="What is this?"), PicturePart(image=image)))
    await asyncio.gather(*(book.get(name).complete(asked) for name in ("a", "b")))
    bodies = {sent["body"]["model"]: str(sent["body"]) for sent in fake.log.requests}
    assert "a harbour at dusk" in bodies["gpt-4o-mini"]
    assert "iVBORw0KGgo" in bodies["gpt-4o"]
    assert len(callers()) == 1


async def test_errors_keep_their_kind_and_the_wait_that_was_asked_for(book: ModelRegistry, fake: FakeLLM) -> None:
    fake.script(Rule(kind="status", status=401))
    with pytest.raises(ModelRejected, match="does not accept the key"):
        await book.get("a").complete(make_request())
    fake.script(Rule(kind="status", status=429, retry_after="7"))
    with pytest.raises(RateLimited) as caught:
        await book.get("a").complete(make_request())
    assert caught.value.retry_after == 7


async def test_a_call_that_nobody_waits_for_any_more_is_taken_back(book: ModelRegistry, fake: FakeLLM) -> None:
    await book.get("a").complete(make_request())
    fake.script(Rule(kind="hang", times=1))
    asking = asyncio.create_task(book.get("b").complete(make_request()))
    await asyncio.to_thread(wait_until, lambda: fake.stats()["calls"] == 2, "the call")
    open_before = sockets()
    asking.cancel()
    await asyncio.to_thread(wait_until, lambda: sockets() < open_before, "its connection to be closed")
    assert (await book.get("b").complete(make_request("And this?"))).text


async def test_a_process_that_dies_fails_the_calls_under_way_and_another_takes_its_place(
    book: ModelRegistry, fake: FakeLLM
) -> None:
    fake.script(Rule(kind="hang", times=2))
    asking = [asyncio.create_task(book.get(name).complete(make_request())) for name in ("a", "b")]
    await asyncio.to_thread(wait_until, lambda: fake.stats()["calls"] == 2, "two calls")
    (caller,) = callers()
    os.kill(caller, signal.SIGKILL)
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ReplyBroken, ReplyBroken]
    assert (await book.get("a").complete(make_request("And this?"))).text
    assert len(callers()) == 1 and callers() != [caller]


async def test_a_process_started_early_takes_the_first_call_and_ends_where_there_is_none(fake: FakeLLM) -> None:
    early, idle = CallerProcess(), CallerProcess()
    early.prestart({"openai"})
    (pid,) = callers()
    idle.prestart({"openai"})
    book = ModelRegistry({"a": config(fake)}, transport=early)
    assert (await book.get("a").complete(make_request())).text
    idle.kill_unused()
    assert callers() == [pid]
    await book.aclose()
    assert not callers()
