"""The messages between this process and the subprocess that calls hosted models, and their frames.

A frame is the length of the JSON (4 bytes, big-endian), then the JSON.
"""

from __future__ import annotations

import asyncio
from typing import IO, Annotated, Any, Literal

from pydantic import Field, SecretStr, TypeAdapter, field_serializer

from contract.base import Frozen
from contract.calls import ModelReply, ModelRequest
from contract.errors import (
    ModelError,
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    ModelUnusable,
    NeedsAnotherTurn,
    NotSentInTime,
    RateLimited,
    ReplyBroken,
    ReplyUnreadable,
    ServerNotRunning,
    Transient,
)
from contract.models import HostedModel

_LENGTH_BYTES = 4
_ERRORS_BY_NAME: dict[str, type[ModelError]] = {
    kind.__name__: kind
    for kind in (
        ModelRejected,
        ModelUnusable,
        RateLimited,
        ModelTimeout,
        ModelUnavailable,
        NeedsAnotherTurn,
        NotSentInTime,
        ServerNotRunning,
        ReplyBroken,
        ReplyUnreadable,
    )
}


class OpenModel(Frozen):
    """Announces a model that will be called."""

    kind: Literal["open"] = "open"
    name: str
    config: HostedModel
    key: SecretStr | None
    """The key of the configuration, which the JSON of the configuration leaves out."""

    @field_serializer("key")
    def _serialise_key(self, value: SecretStr | None) -> str | None:
        return value.get_secret_value() if value else None

    def config_with_key(self) -> HostedModel:
        """The configuration, with its key."""
        return self.config.model_copy(update={"api_key": self.key})


class PrepareModel(Frozen):
    """Makes the model `name` ready for calls; the result of `number` is without a reply."""

    kind: Literal["prepare"] = "prepare"
    number: int
    name: str


class CallModel(Frozen):
    """One call to the model `name`."""

    kind: Literal["ask"] = "ask"
    number: int
    name: str
    request: ModelRequest
    send_until: float | None = None
    """Seconds since 1970: until when it may be sent."""


class CancelCall(Frozen):
    """Cancels the call `number`: its reply is no longer needed."""

    kind: Literal["drop"] = "drop"
    number: int


class CallFailure(Frozen):
    """A ModelError as data, to pass it from one process to the other."""

    kind: str
    message: str
    retry_after: float | None = None

    @classmethod
    def from_error(cls, error: Exception) -> CallFailure:
        """The failure for `error`. If it is not a ModelError, the message contains the name of its type."""
        if isinstance(error, ModelError):
            return cls(kind=type(error).__name__, message=str(error), retry_after=getattr(error, "retry_after", None))
        return cls(kind="", message=f"{type(error).__name__}: {error}")

    def to_error(self) -> Exception:
        """The error that the caller raises: a RuntimeError if the original was not a ModelError."""
        kind = _ERRORS_BY_NAME.get(self.kind, RuntimeError)
        if issubclass(kind, Transient):
            return kind(self.message, retry_after=self.retry_after)
        return kind(self.message)


class CallResult(Frozen):
    """The result of `number`: the reply to a call, a failure, or neither where a model is ready."""

    number: int
    reply: ModelReply | None = None
    failure: CallFailure | None = None


CallerMessage = Annotated[OpenModel | PrepareModel | CallModel | CancelCall, Field(discriminator="kind")]
CALLER_MESSAGE: TypeAdapter[OpenModel | PrepareModel | CallModel | CancelCall] = TypeAdapter(CallerMessage)


def encode_frame(message: Frozen) -> bytes:
    """The bytes of `message` on a pipe: its length, then its JSON."""
    # Hosted models do not read the material, and it is most of a request.
    content = message.model_dump_json(exclude={"request": {"material"}}).encode()
    return len(content).to_bytes(_LENGTH_BYTES, "big") + content


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """Returns the JSON of the next message, or None if the other process has closed the pipe."""
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


async def open_reader(pipe: IO[Any]) -> asyncio.StreamReader:
    """Returns a reader of the pipe, which is closed at its end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader


async def open_writer(pipe: IO[Any]) -> asyncio.StreamWriter:
    """Returns a writer to the pipe. Closing the writer closes the pipe."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
    return asyncio.StreamWriter(transport, protocol, None, loop)
