"""The process that calls hosted models for another: reads calls from its standard input until that closes.

    python -m agents.llms.hosted.subprocess_worker PROVIDER...

Requests and replies are most of the work of a large run; here they are on a processor of their own. What those
providers are called with is imported at once, so that the first call need not wait for it.
"""

from __future__ import annotations

import asyncio
import sys

import uvloop

from agents.llms.gc_tuning import collect_seldom
from agents.llms.hosted.clients import HttpClients
from agents.llms.hosted.model import Hosted
from agents.llms.hosted.pydantic_ai_service import library_for
from agents.llms.hosted.subprocess_protocol import (
    TO_CALLER,
    Answer,
    Asking,
    Dropping,
    Failure,
    framed,
    next_frame,
    reading,
    writing,
)


class _Calling:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._clients = HttpClients()
        self._models = dict[str, Hosted]()
        self._calls = dict[int, asyncio.Task[None]]()

    async def until_closed(self, reader: asyncio.StreamReader) -> None:
        """Takes calls up as they come in."""
        while (frame := await next_frame(reader)) is not None:
            match TO_CALLER.validate_json(frame):
                case Asking() as asked:
                    self._calls[asked.number] = asyncio.create_task(self._call(asked))
                case Dropping(number=number):
                    if task := self._calls.get(number):
                        task.cancel()
                case opening:
                    self._models[opening.name] = Hosted(opening.name, opening.whole(), self._clients)
        for task in self._calls.values():
            task.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        await self._clients.aclose()

    async def _call(self, asked: Asking) -> None:
        try:
            reply = await self._models[asked.name].complete(asked.request)
        except Exception as error:
            answer = Answer(number=asked.number, failure=Failure.of(error))
        else:
            answer = Answer(number=asked.number, reply=reply)
        finally:
            del self._calls[asked.number]
        self._writer.write(framed(answer))


async def _serve() -> None:
    await _Calling(await writing(sys.stdout)).until_closed(await reading(sys.stdin))


def main() -> None:
    """Serves until the parent closes our standard input, which it also does by dying."""
    collect_seldom()
    for provider in sys.argv[1:]:
        library_for(provider)
    uvloop.run(_serve())


if __name__ == "__main__":
    main()
