"""The subprocess that calls hosted models for its parent. It reads calls from standard input until that closes.

    python -m agents.llms.hosted.subprocess_worker PROVIDER...

Requests and replies are most of the work of a large run, and here they have a processor of their own. The libraries of
the given providers are imported at once, so that the first call does not wait for them.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from agents.llms.gc_tuning import reduce_garbage_collection
from agents.llms.hosted.clients import HttpClients
from agents.llms.hosted.model import Hosted
from agents.llms.hosted.pydantic_ai_service import provider_module
from agents.llms.hosted.subprocess_protocol import (
    CALLER_MESSAGE,
    CallFailure,
    CallModel,
    CallResult,
    CancelCall,
    PrepareModel,
    encode_frame,
    open_reader,
    open_writer,
    read_frame,
)
from agents.llms.sending import sent_until
from contract.calls import ModelReply


class _CallServer:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._clients = HttpClients()
        self._models = dict[str, Hosted]()
        self._calls = dict[int, asyncio.Task[None]]()

    async def serve_until_closed(self, reader: asyncio.StreamReader) -> None:
        """Starts each call as it arrives. At the end of the input it cancels the calls that still run."""
        while (frame := await read_frame(reader)) is not None:
            match CALLER_MESSAGE.validate_json(frame):
                case CallModel() | PrepareModel() as call:
                    self._calls[call.number] = asyncio.create_task(self._call(call))
                case CancelCall(number=number):
                    if task := self._calls.get(number):
                        task.cancel()
                case opened:
                    self._models[opened.name] = Hosted(opened.name, opened.config_with_key(), self._clients)
        for task in self._calls.values():
            task.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        await self._clients.aclose()

    async def _call(self, call: CallModel | PrepareModel) -> None:
        try:
            reply = await self._reply(call)
            frame = encode_frame(CallResult(number=call.number, reply=reply))
        except Exception as error:
            frame = encode_frame(CallResult(number=call.number, failure=CallFailure.from_error(error)))
        finally:
            del self._calls[call.number]
        self._writer.write(frame)

    async def _reply(self, call: CallModel | PrepareModel) -> ModelReply | None:
        model = self._models[call.name]
        if isinstance(call, CallModel):
            with sent_until(call.send_until):
                return await model.complete(call.request)
        await model.prepare()
        return None


async def _serve() -> None:
    await _CallServer(await open_writer(sys.stdout)).serve_until_closed(await open_reader(sys.stdin))


def main() -> None:
    """Serves until the parent closes standard input; the end of the parent closes it too."""
    reduce_garbage_collection()
    for provider in sys.argv[1:]:
        provider_module(provider)
    uvloop.run(_serve())


if __name__ == "__main__":
    main()
