"""Hosted models that are asked from a process beside this one.

A run of thousands of calls keeps one processor busy with what is around the calls alone, and the calls themselves with
their libraries cost as much again. Limits, budgets, kept replies and the journal stay here.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Set
from itertools import count

from agents.llms.hosted.subprocess_protocol import (
    Answer,
    Asking,
    Dropping,
    Opening,
    framed,
    next_frame,
    reading,
    writing,
)
from agents.llms.lazy_resource import StartedOnce
from agents.llms.model import Named
from contract.base import Frozen
from contract.calls import ModelReply, ModelRequest
from contract.errors import ReplyBroken
from contract.models import HostedModel

POSSIBLE = sys.platform != "win32"
"""Windows has no pipes that an event loop could wait for in a child."""
_LEAVING_SECONDS = 5.0


class Caller:
    """The process that calls, started by `start` or at the first call, and stopped by `aclose`. For one event loop."""

    def __init__(self) -> None:
        self._early: subprocess.Popen[bytes] | None = None
        self._process = StartedOnce(self._started)

    def start(self, providers: Set[str]) -> None:
        """Starts it now: when the first call comes, it has imported what it calls these with. Needs no event loop."""
        self._early = _popen(*sorted(providers))

    async def complete(self, name: str, config: HostedModel, request: ModelRequest) -> ModelReply:
        """One reply from the model of that name. Raises what `Hosted.complete` raises.

        Raises ReplyBroken where the process ended before the reply came; the next call starts another.
        """
        running = await self._process.get()
        return await running.complete(name, config, request)

    async def aclose(self) -> None:
        """Stops the process."""
        await self._process.aclose()
        self.drop()

    def drop(self) -> None:
        """Stops a process that was started and never asked anything."""
        process, self._early = self._early, None
        if process:
            process.kill()
            process.communicate()

    async def _started(self) -> _Running:
        process, self._early = self._early or _popen(), None
        assert process.stdin and process.stdout  # noqa: S101 both are pipes
        return _Running(process, await reading(process.stdout), await writing(process.stdin))


def _popen(*providers: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [sys.executable, "-P", "-m", "agents.llms.hosted.subprocess_worker", *providers],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        # Ctrl-C in the terminal is for us: we drop the calls, and close the pipe.
        start_new_session=True,
    )


class _Running:
    """A process that calls, and who waits for what."""

    def __init__(
        self, process: subprocess.Popen[bytes], replies: asyncio.StreamReader, pipe: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._opened = set[str]()
        self._numbers = count()
        self._waiting = dict[int, asyncio.Future[Answer]]()
        self._reading = asyncio.create_task(self._read(replies))

    @property
    def over(self) -> bool:
        """Whether no reply can come any more."""
        return self._reading.done()

    async def complete(self, name: str, config: HostedModel, request: ModelRequest) -> ModelReply:
        if name not in self._opened:
            self._opened.add(name)
            self._send(Opening(name=name, config=config, key=config.api_key))
        number = next(self._numbers)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._send(Asking(number=number, name=name, request=request))
        try:
            answer = await future
        except asyncio.CancelledError:
            self._send(Dropping(number=number))
            raise
        finally:
            del self._waiting[number]
        if answer.failure:
            raise answer.failure.error()
        assert answer.reply  # noqa: S101 an answer is one of the two
        return answer.reply

    async def aclose(self) -> None:
        self._pipe.close()
        try:
            async with asyncio.timeout(_LEAVING_SECONDS):
                await self._reading
        except TimeoutError:
            self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def _send(self, message: Frozen) -> None:
        self._pipe.write(framed(message))

    async def _read(self, replies: asyncio.StreamReader) -> None:
        while (frame := await next_frame(replies)) is not None:
            answer = Answer.model_validate_json(frame)
            if (waiting := self._waiting.get(answer.number)) and not waiting.done():
                waiting.set_result(answer)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ReplyBroken("the process that calls models ended before the reply came"))


class HostedBeside(Named):
    """A hosted model, asked from the process beside."""

    def __init__(self, name: str, config: HostedModel, caller: Caller) -> None:
        super().__init__(name, config.fingerprint, sees_images=config.sees_images)
        self._config = config
        self._caller = caller

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One HTTP call. Raises ModelRejected or a Transient, in plain words and without secrets."""
        return await self._caller.complete(self._name, self._config, request)

    async def aclose(self) -> None:
        """Nothing to do: the process belongs to all models of the run."""
