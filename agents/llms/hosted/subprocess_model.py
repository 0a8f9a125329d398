"""Hosted models that are called from a subprocess.

In a run of thousands of calls, the work around the calls keeps one processor busy. The calls themselves, with their
libraries, cost as much again. Limits, budgets, kept replies and the journal stay in this process.
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
    PrepareModel,
    encode_frame,
    open_reader,
    open_writer,
    read_frame,
)
from agents.llms.lazy_resource import LazyResource
from agents.llms.model import NamedModel
from agents.llms.sending import sending_ends
from contract.base import Frozen
from contract.calls import ModelReply, ModelRequest
from contract.errors import ReplyBroken
from contract.models import HostedModel

SUPPORTED = sys.platform != "win32"
"""False on Windows, where an event loop cannot wait for the pipes of a child process."""
_SHUTDOWN_SECONDS = 5.0


class CallerProcess:
    """The subprocess that makes the calls: started by `prestart` or at the first call, stopped by `aclose`.

    Belongs to one event loop.
    """

    def __init__(self) -> None:
        self._prestarted: subprocess.Popen[bytes] | None = None
        self._resource = LazyResource(self._start)

    def prestart(self, providers: Set[str]) -> None:
        """Starts the process now, to import the libraries of `providers` before the first call. Needs no event loop."""
        self._prestarted = _spawn(*sorted(providers))

    async def prepare(self, name: str, config: HostedModel) -> None:
        """Starts the process and makes the model `name` ready. Raises what `Hosted.prepare` raises."""
        await (await self._resource.get()).prepare(name, config)

    async def complete(self, name: str, config: HostedModel, request: ModelRequest) -> ModelReply:
        """Returns one reply of the model `name`. Raises what `Hosted.complete` raises.

        Raises ReplyBroken if the process ended before the reply came. The next call starts another process.
        """
        running = await self._resource.get()
        return await running.complete(name, config, request)

    async def aclose(self) -> None:
        """Stops the process."""
        await self._resource.aclose()
        self.kill_unused()

    def kill_unused(self) -> None:
        """Stops a process that was started and has received no call."""
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
        # Ctrl-C in the terminal is for this process, which cancels the calls and closes the pipe.
        start_new_session=True,
    )


class _RunningProcess:
    """The running subprocess, and the futures of the calls that wait for it."""

    def __init__(
        self, process: subprocess.Popen[bytes], replies: asyncio.StreamReader, pipe: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._pipe = pipe
        self._opened_models = set[str]()
        self._prepared_models = set[str]()
        self._numbers = count()
        self._pending = dict[int, asyncio.Future[CallResult]]()
        self._reader_task = asyncio.create_task(self._read(replies))

    @property
    def ended(self) -> bool:
        """Whether no more replies can come."""
        return self._reader_task.done()

    async def prepare(self, name: str, config: HostedModel) -> None:
        if name not in self._prepared_models:
            self._open(name, config)
            await self._result_of(PrepareModel(number=next(self._numbers), name=name))
            self._prepared_models.add(name)

    async def complete(self, name: str, config: HostedModel, request: ModelRequest) -> ModelReply:
        self._open(name, config)
        call = CallModel(number=next(self._numbers), name=name, request=request, send_until=sending_ends())
        result = await self._result_of(call)
        assert result.reply  # noqa: S101 a call's result has one, unless it is a failure
        return result.reply

    def _open(self, name: str, config: HostedModel) -> None:
        if name not in self._opened_models:
            self._opened_models.add(name)
            self._send(OpenModel(name=name, config=config, key=config.api_key))

    async def _result_of(self, message: CallModel | PrepareModel) -> CallResult:
        number = message.number
        future: asyncio.Future[CallResult] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        self._send(message)
        try:
            result = await future
        except asyncio.CancelledError:
            self._send(CancelCall(number=number))
            raise
        finally:
            del self._pending[number]
        if result.failure:
            raise result.failure.to_error()
        return result

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
            result = CallResult.model_validate_json(frame)
            if (future := self._pending.get(result.number)) and not future.done():
                future.set_result(result)
        for future in self._pending.values():
            if not future.done():
                future.set_exception(ReplyBroken("the process that calls models ended before the reply came"))


class HostedInSubprocess(NamedModel):
    """A hosted model that is called from the subprocess."""

    def __init__(self, name: str, config: HostedModel, caller: CallerProcess) -> None:
        super().__init__(name, config.fingerprint, sees_images=config.sees_images)
        self._config = config
        self._caller = caller

    async def prepare(self) -> None:
        """Starts the process, which imports the provider's library. Raises ModelRejected or ReplyBroken."""
        await self._caller.prepare(self._name, self._config)

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Makes one HTTP call. Raises ModelRejected or a Transient, with a plain message that contains no secret."""
        return await self._caller.complete(self._name, self._config, request)

    async def aclose(self) -> None:
        """Does nothing: the process belongs to all models of the run."""
