"""Overhead: a flow of 600 hosted calls against bare asyncio + httpx making the same 600 calls, in one run.

uv run pytest -m benchmark tests/benchmarks -s
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Generator

import httpx
import pytest

from tests.support.running import Lab
from tests.support.services import fake_service

CALLS, AT_ONCE, LATENCY = 600, 50, 0.2
TARGET = 2.0

FLOW = """\
description: One judgement a record.
records: posts
steps:
  ask:
    agent: llm
    parameters: {model: fake, template: "user:\\nIs it so? {{ record.text }}"}
result: ask
"""


@pytest.fixture
def service() -> Generator[str]:
    """The address of the fake service in a process of its own."""
    with fake_service(LATENCY) as running:
        yield running.url


def write_study(lab: Lab, url: str) -> None:
    """Writes a flow and a model that calls that address."""
    limits = {"concurrency": AT_ONCE}
    model = {"kind": "hosted", "provider": "openai-compatible", "model_id": "m", "base_url": f"{url}/v1"}
    lab.write("models/fake.yaml", json.dumps({"fake": {**model, "limits": limits}}))
    lab.write("storage/posts.yaml", "posts: {type: file, path: posts.jsonl}\n")
    lab.write("flows/tiny.yaml", FLOW)


def write_posts(lab: Lab, number: int, words: str) -> None:
    """Writes that many posts, one for each call."""
    lab.write("posts.jsonl", [{"record_id": f"r{n}", "text": f"post {n} {words}"} for n in range(number)])


async def bare_seconds(url: str) -> float:
    """Seconds that the calls take without a flow."""
    slots, body = asyncio.Semaphore(AT_ONCE), {"model": "m", "response_format": _schema()}
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=AT_ONCE)) as client:

        async def call(number: int) -> None:
            async with slots:
                content = f"Is it so? post {number} " + "word " * 100
                asked = {**body, "messages": [{"role": "user", "content": content}]}
                response = await client.post(f"{url}/v1/chat/completions", json=asked)
                json.loads(response.json()["choices"][0]["message"]["content"])

        started = time.perf_counter()
        await asyncio.gather(*(call(number) for number in range(CALLS)))
        return time.perf_counter() - started


def _schema() -> dict[str, object]:
    from agents.llm_agent import TextReply

    return {"type": "json_schema", "json_schema": {"name": "TextReply", "schema": TextReply.model_json_schema()}}


@pytest.mark.benchmark
@pytest.mark.timeout(900)
async def test_a_flow_of_600_calls_takes_at_most_twice_as_long_as_the_calls(lab: Lab, service: str) -> None:
    write_study(lab, service)
    # Neither side is measured while it imports its libraries.
    write_posts(lab, 1, "first of all")
    await lab.run()
    write_posts(lab, CALLS, "word " * 100)
    alone = await bare_seconds(service)
    ran = await lab.run()
    again = await bare_seconds(service)
    least = min(alone, again)
    print(f"\n{CALLS} calls of {LATENCY} s, {AT_ONCE} at once")
    print(f"  bare httpx        {alone:6.2f} s, and once more {again:6.2f} s")
    print(f"  flow              {ran.seconds:6.2f} s   {ran.seconds / least:.2f} x")
    print(f"  flow and drain    {ran.drain_seconds:6.2f} s   {ran.drain_seconds / least:.2f} x")
    assert ran.outcome
    assert ran.outcome.totals.cells == {"completed": CALLS}
    assert (ran.lost_task_runs, len(ran.server.cells)) == (0, CALLS)
    assert {run.state_name for run in ran.server.cells} == {"Completed"}
    assert ran.drain_seconds / least <= TARGET
