"""What of a model's settings went over the wire. Providers' libraries leave out what they take a model not to know.

with recorded() as sent:
    await send_request(...)
sent["temperature"]
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import httpx2

_NAMES: Mapping[str, tuple[str, ...]] = {
    "temperature": ("temperature",),
    "top_p": ("top_p", "topP"),
    "max_tokens": ("max_tokens", "max_completion_tokens", "maxOutputTokens"),
    "seed": ("seed",),
}
"""Our name of a setting -> its names in the protocols."""
_recording: ContextVar[dict[str, int | float] | None] = ContextVar("sent_settings", default=None)


@contextmanager
def recorded() -> Generator[dict[str, int | float]]:
    """Gives the settings of the last request that is sent in this block, once it is sent."""
    sent = dict[str, int | float]()
    token = _recording.set(sent)
    try:
        yield sent
    finally:
        _recording.reset(token)


async def record_request(request: httpx2.Request) -> None:
    """The hook of a client that notes the settings in a request's body."""
    sent = _recording.get()
    if sent is None:
        return
    sent.clear()
    try:
        body: Any = json.loads(request.content)
    except (ValueError, RecursionError, httpx2.RequestNotRead):
        return
    if isinstance(body, dict):
        sent.update(_settings_in(cast("dict[str, Any]", body)))


def _settings_in(body: Mapping[str, Any]) -> dict[str, int | float]:
    where: Mapping[str, Any] = body.get("generationConfig") or body
    found = dict[str, int | float]()
    for name, names in _NAMES.items():
        for one in names:
            if isinstance(value := where.get(one), int | float):
                found[name] = value
    return found
