"""Pipes: the two ends of a pipe as an event loop reads and writes them."""

from __future__ import annotations

import asyncio
from typing import IO, Any


async def reading(pipe: IO[Any]) -> asyncio.StreamReader:
    """What comes out of the pipe, which is closed when it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


async def writing(pipe: IO[Any]) -> asyncio.StreamWriter:
    """What goes into the pipe; closing it closes the pipe."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    return asyncio.StreamWriter(transport, protocol, None, loop)
