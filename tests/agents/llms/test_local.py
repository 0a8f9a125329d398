"""A real model on this machine. Run with:

BUTTERMILK_LOCAL_MODEL=model.gguf uv run --extra local pytest -m local_llm tests/agents/llms -s
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest

from agents.llms import local_server
from agents.llms.factory import build_model
from agents.llms.local import missing_extra
from agents.llms.model import Model
from contract.calls import ModelRequest, ModelSettings, json_schema_of
from contract.errors import ModelRejected, ModelTimeout
from contract.findings import ResearchDraft
from contract.models import Limits, LocalModel
from tests.agents.llms.requests import text_message

CHILD = Path(local_server.__file__)
PATH = os.environ.get("BUTTERMILK_LOCAL_MODEL")

pytestmark = [
    pytest.mark.local_llm,
    pytest.mark.skipif(not PATH, reason="BUTTERMILK_LOCAL_MODEL names no GGUF file"),
    pytest.mark.skipif(missing_extra() is not None, reason=str(missing_extra())),
]


def local(**limits: float) -> LocalModel:
    return LocalModel(path=Path(PATH or ""), context_tokens=2048, limits=Limits.model_validate(limits))


@pytest.fixture
async def model() -> AsyncGenerator[Model]:
    model = build_model("here", local())
    yield model
    await model.aclose()


def draft_request(question: str, max_tokens: int = 160) -> ModelRequest:
    passage = "P1: The Board overturned the removal of the post because it was satire."
    return ModelRequest(
        model="here",
        model_fingerprint="f",
        messages=(
            text_message("system", "Answer from the passages, as JSON. Quote their words exactly. One claim."),
            text_message("user", f"{passage}\n\nQuestion: {question}"),
        ),
        settings=ModelSettings(temperature=0, max_tokens=max_tokens, seed=1),
        output_name="ResearchDraft",
        output_schema=json_schema_of(ResearchDraft),
    )


async def test_a_reply_fits_the_schema_and_costs_nothing(model: Model) -> None:
    begun = time.perf_counter()
    reply = await model.complete(draft_request("Why did the Board overturn the removal?"))
    first = time.perf_counter() - begun
    draft = ResearchDraft.model_validate(reply.parsed)
    assert reply.finish_reason == "stop"
    assert reply.cost_usd == 0
    assert reply.served_by == Path(PATH or "").name
    assert reply.usage.output_tokens > 0
    written = (reply.ended - reply.started).total_seconds()
    print(f"\nloading and first reply {first:.1f} s; the reply alone {written:.1f} s; {reply.usage}; {draft}")


async def test_the_event_loop_goes_on_while_it_writes_and_calls_take_turns(model: Model) -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.05)
            ticks += 1

    ticking = asyncio.create_task(tick())
    begun = time.perf_counter()
    replies = await asyncio.gather(*(model.complete(draft_request(q, 12)) for q in ("Who decided?", "What was it?")))
    took = time.perf_counter() - begun
    ticking.cancel()
    assert [reply.finish_reason for reply in replies] == ["length", "length"]
    assert replies[0].ended <= replies[1].started or replies[1].ended <= replies[0].started
    assert ticks > took / 0.05 / 2


async def test_a_call_that_ran_out_of_time_leaves_the_model_free_for_the_next() -> None:
    model = build_model("here", local(timeout_seconds=5))
    try:
        with pytest.raises(ModelTimeout):
            await model.complete(draft_request("Why?", 400))
        for _ in range(6):  # loading may take longer than one call is allowed to
            with suppress(ModelTimeout):
                assert (await model.complete(draft_request("Why?", 4))).finish_reason == "length"
                return
        pytest.fail("the model was never free again")
    finally:
        await model.aclose()


def test_the_process_ends_with_its_parent() -> None:
    child = subprocess.Popen([sys.executable, "-P", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin
    assert child.stdout
    settings = {"path": PATH, "context_tokens": 512, "threads": None, "key": "k"}
    child.stdin.write(json.dumps(settings).encode() + b"\n")
    child.stdin.flush()
    assert b"127.0.0.1" in child.stdout.readline()
    child.stdin.close()
    assert child.wait(timeout=20) == 0


async def test_a_file_that_is_no_model_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "no.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    model = build_model("here", LocalModel(path=path))
    try:
        with pytest.raises(ModelRejected, match=r"no\.gguf does not load"):
            await model.complete(draft_request("Why?"))
    finally:
        await model.aclose()
