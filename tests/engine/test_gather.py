"""Errors of parallel work are raised as themselves."""

from __future__ import annotations

import asyncio

import pytest

from contract.errors import StorageError
from flows.engine.gather import gather_or_raise
from tests.support.running import Lab


async def test_results_come_in_the_order_of_the_jobs() -> None:
    first_may_end = asyncio.Event()

    async def first() -> int:
        await first_may_end.wait()
        return 1

    async def second() -> int:
        first_may_end.set()
        return 2

    assert await gather_or_raise([first(), second()]) == [1, 2]


async def test_the_first_error_ends_the_rest_and_is_raised_itself() -> None:
    ended: list[str] = []

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waiting")

    async def fails() -> None:
        await asyncio.sleep(0)
        raise StorageError("the disk is gone")

    async def nested() -> None:
        await gather_or_raise([waits(), fails()])

    with pytest.raises(StorageError, match="the disk is gone"):
        await gather_or_raise([waits(), nested()])
    assert ended == ["waiting", "waiting"]


@pytest.mark.parametrize("content", [None, "", "{not json}\n"])
async def test_a_source_that_cannot_be_read_ends_the_run_in_plain_words(lab: Lab, content: str | None) -> None:
    lab.write_posts([{"text": "t"}])
    lab.write("flows/tiny.yaml", "description: Tiny.\nrecords: posts\nsteps:\n  a: {agent: echo}\nresult: a\n")
    path = lab.folder / "posts.jsonl"
    study = lab.compose()
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    ran = await lab.run_study(study)
    assert ran.state.is_failed()
    with pytest.raises(StorageError):
        await ran.state.aresult()


async def test_an_error_below_two_child_runs_is_raised_as_itself(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    lab.write(
        "flows/tiny.yaml",
        "description: Tiny.\nparameters: {text: {required: true}}\nrecords: parameters.text\nsteps:\n"
        "  rounds: {max_rounds: 1, loop: {a: {agent: echo, when: 'true'}}}\nresult: a\n",
    )
    monkeypatch.setattr("contract.messages.AgentTrace.model_dump_json", full)
    ran = await lab.run("text=x")
    with pytest.raises(Exception, match=r"cannot write .*answers.jsonl: the disk is full; make room on it") as caught:
        await ran.state.aresult()
    assert type(caught.value).__name__ == "RunError"


async def test_results_that_cannot_be_kept_end_the_run_before_any_call(lab: Lab) -> None:
    lab.write("flows/tiny.yaml", "description: T.\nrecords: posts\nsteps:\n  a: {agent: echo}\nresult: a\n")
    lab.write_posts([{"text": "t"}])
    composed = lab.compose()
    lab.write("results", "a file where the folder should be")
    ran = await lab.run_study(composed)
    with pytest.raises(StorageError, match=r"cannot keep results in .*: File exists; set run"):
        await ran.state.aresult()
    assert ran.server.cells == []
