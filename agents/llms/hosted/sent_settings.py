"""What of a model's settings went over the wire. Providers' libraries leave out what they take a model not to know.

with recorded() as sent:
    await calls.send(request)
sent["temperature"]
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import httpx2

_NAMES: Mapping[str, tuple[str, ...]] = {
    "temperature": ("temperature",),
    "top_p": ("top_p", "topP"),
    "max_tokens": ("max_tokens", "max_completion_tokens", "maxOutputTokens"),
    "seed": ("seed",),
}
"""Our name of a setting -> its names in the protocols."""
_THINKING_NAMES = ("reasoning_effort", "reasoning", "thinking", "thinkingConfig")
Sent = int | float | str
"""The value of a setting; that of `thinking` is a word."""


@dataclass(frozen=True)
class _Recording:
    sent: dict[str, Sent]
    thinking: str | None


_recording: ContextVar[_Recording | None] = ContextVar("sent_settings", default=None)


@contextmanager
def recorded(thinking: str | None = None) -> Generator[dict[str, Sent]]:
    """Gives the settings of the last request that is sent in this block, once it is sent.

    `thinking` is our word for how much the model is to think. It is among them where the request says anything of it.
    """
    sent = dict[str, Sent]()
    token = _recording.set(_Recording(sent, thinking))
    try:
        yield sent
    finally:
        _recording.reset(token)


async def record_request(request: httpx2.Request) -> None:
    """The hook of a client that notes the settings in a request's body."""
    recording = _recording.get()
    if recording is None:
        return
    recording.sent.clear()
    try:
        body: Any = json.loads(request.content)
    except (ValueError, RecursionError, httpx2.RequestNotRead):
        return
    if isinstance(body, dict):
        fields = cast("dict[str, Any]", body)
        where: Mapping[str, Any] = fields.get("generationConfig") or fields
        recording.sent.update(_settings_in(where))
        if recording.thinking and any(where.get(name) is not None for name in _THINKING_NAMES):
            recording.sent["thinking"] = recording.thinking


def _settings_in(where: Mapping[str, Any]) -> dict[str, Sent]:
    found = dict[str, Sent]()
    for name, names in _NAMES.items():
        for one in names:
            if isinstance(value := where.get(one), int | float):
                found[name] = value
    return found
