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
    CallModel,
    CallResult,
    CancelCall,
    OpenModel,
    encode_frame,
    open_reader,
    open_writer,
    read_frame,
)
from agents.llms.lazy_resource import LazyResource
from agents.llms.model import NamedModel
from contract.base import Frozen
from contract.calls import ModelReply, ModelRequest
from contract.errors import ReplyBroken
from contract.models import HostedModel

SUPPORTED = sys.platform != "win32"
"""Windows has no pipes that an event loop could wait for in a child."""
_SHUTDOWN_SECONDS = 5.0


class CallerProcess:
    """The process that calls, started by `start` or at the first call, and stopped by `aclose`. For one event loop."""

    def __init__(self) -> None:
        self._prestarted: subprocess.Popen[bytes] | None = None
        self._resource = LazyResource(self._start)

    def prestart(self, providers: Set[str]) -> None:
        """Starts it now: when the first call comes, it has imported what it calls these with. Needs no event loop."""
        self._prestarted = _spawn(*sorted(providers))

    async def complete(self, name: str, config: HostedModel, request: ModelRequest) -> ModelReply:
        """One reply from the model of that name. Raises what `Hosted.complete` raises.

        Raises ReplyBroken where the process ended before the reply came; the next call starts another.
        """
        running = await self._resource.get()
        return await running.complete(name, config, request)

    async def aclose(self) -> None:
        """Stops the process."""
        await self._resource.aclose()
        self.kill_unused()

    def kill_unused(self) -> None:
        """Stops a process that was started and never asked anything."""
        process, self._prestarted = self._prestarted, None
        if process:
            process.kill()
            process.communicate()

    async def _start(self) -> _RunningProcess:
        process, self._prestarted = self._prestarted or _spawn(), None
        assert process.stdin and process.stdout  # noqa: S101 both are pipes
        return _RunningProcess(process, await open_reader(process.stdout), await open_writer(process.stdin))


def _spawn(*providers: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [sys.executable, "-P", "-m", "agents.llms.hosted.subprocess_worker", *providers],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        # Ctrl-C in the terminal is for us: we drop the calls, and close the pipe.
        start_new_session=True,
    )


class _RunningProcess:
    """A process that calls, and who waits for what."""

    def __init__(
        self, process: subprocess.Popen[bytes], replies: asyncio.StreamReader, pipe: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._opened_models = set[str]()
        self._numbers = count()
        self._pending = dict[int, asyncio.Future[CallResult]]()
        self._reader_task = asyncio.create_task(self._read(replies))

    @property
    def ended(self) -> bool:
        """Whether no reply can come any more."""
        return self._reader_task.done()

    async def complete(self, name: str, config: HostedModel, request: ModelRequest) -> ModelReply:
        if name not in self._opened_models:
            self._opened_models.add(name)
            self._send(OpenModel(name=name, config=config, key=config.api_key))
        number = next(self._numbers)
        future = self._pending[number] = asyncio.get_running_loop().create_future()
        self._send(CallModel(number=number, name=name, request=request))
        try:
            answer = await future
        except asyncio.CancelledError:
            self._send(CancelCall(number=number))
            raise
        finally:
            del self._pending[number]
        if answer.failure:
            raise answer.failure.error()
        assert answer.reply  # noqa: S101 an answer is one of the two
        return answer.reply

    async def aclose(self) -> None:
        self._pipe.close()
        try:
            async with asyncio.timeout(_SHUTDOWN_SECONDS):
                await self._reader_task
        except TimeoutError:
            self._process.kill()
        await asyncio.to_thread(self._process.wait)

    def _send(self, message: Frozen) -> None:
        self._pipe.write(encode_frame(message))

    async def _read(self, replies: asyncio.StreamReader) -> None:
        while (frame := await read_frame(replies)) is not None:
            answer = CallResult.model_validate_json(frame)
            if (waiting := self._pending.get(answer.number)) and not waiting.done():
                waiting.set_result(answer)
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(ReplyBroken("the process that calls models ended before the reply came"))


class HostedInSubprocess(NamedModel):
    """A hosted model, asked from the process beside."""

    def __init__(self, name: str, config: HostedModel, caller: CallerProcess) -> None:
        super().__init__(name, config.fingerprint, sees_images=config.sees_images)
        self._config = config
        self._caller = caller

    async def complete(self, request: ModelRequest) -> ModelReply:
        """One HTTP call. Raises ModelRejected or a Transient, in plain words and without secrets."""
        return await self._caller.complete(self._name, self._config, request)

    async def aclose(self) -> None:
        """Nothing to do: the process belongs to all models of the run."""
