"""The process that calls hosted models for another: reads calls from its standard input until that closes.

    python -m agents.llms.hosted.subprocess_worker PROVIDER...

Requests and replies are most of the work of a large run; here they are on a processor of their own. What those
providers are called with is imported at once, so that the first call need not wait for it.
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
    encode_frame,
    open_reader,
    open_writer,
    read_frame,
)


class _CallServer:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._clients = HttpClients()
        self._models = dict[str, Hosted]()
        self._calls = dict[int, asyncio.Task[None]]()

    async def serve_until_closed(self, reader: asyncio.StreamReader) -> None:
        """Takes calls up as they come in."""
        while (frame := await read_frame(reader)) is not None:
            match CALLER_MESSAGE.validate_json(frame):
                case CallModel() as asked:
                    self._calls[asked.number] = asyncio.create_task(self._call(asked))
                case CancelCall(number=number):
                    if task := self._calls.get(number):
                        task.cancel()
                case opening:
                    self._models[opening.name] = Hosted(opening.name, opening.config_with_key(), self._clients)
        for task in self._calls.values():
            task.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        await self._clients.aclose()

    async def _call(self, call: CallModel) -> None:
        try:
            reply = await self._models[call.name].complete(call.request)
        except Exception as error:
            answer = CallResult(number=call.number, failure=CallFailure.from_error(error))
        else:
            answer = CallResult(number=call.number, reply=reply)
        finally:
            del self._calls[call.number]
        self._writer.write(encode_frame(answer))


async def _serve() -> None:
    await _CallServer(await open_writer(sys.stdout)).serve_until_closed(await open_reader(sys.stdin))


def main() -> None:
    """Serves until the parent closes our standard input, which it also does by dying."""
    reduce_garbage_collection()
    for provider in sys.argv[1:]:
        provider_module(provider)
    uvloop.run(_serve())


if __name__ == "__main__":
    main()
