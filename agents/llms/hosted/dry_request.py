"""Finds which settings of a model would go over the wire, by making a request with its library and sending it nowhere.

The import of this module takes seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import httpx2
from pydantic import SecretStr

from agents.llms.hosted.keys import PLACEHOLDER_KEY
from agents.llms.hosted.pydantic_ai_service import connect
from agents.llms.hosted.sent_settings import Sent, record_request, recorded
from agents.llms.hosted.structured_output import StructuredCalls
from contract.calls import Message, ModelRequest, ModelSettings, TextPart
from contract.models import HostedModel

_ANY_MESSAGE = Message(role="user", parts=(TextPart(text="?"),))


class _Nowhere(httpx2.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(503, request=request)


async def settings_on_the_wire(config: HostedModel, settings: ModelSettings) -> Mapping[str, Sent]:
    """The settings that the provider's library sends of these and the model's own; empty where it sends no request.

    Opens no connection and uses no key.
    """
    if config.provider == "google-vertex":
        # The same requests, for which Google's library first fetches a token.
        config = config.model_copy(update={"provider": "google"})
    request = ModelRequest(model="m", model_fingerprint="", messages=(_ANY_MESSAGE,), settings=settings)
    async with httpx2.AsyncClient(transport=_Nowhere(), event_hooks={"request": [record_request]}) as client:
        with recorded(config.thinking) as sent, warnings.catch_warnings(action="ignore"):
            try:
                await StructuredCalls(connect(config, SecretStr(PLACEHOLDER_KEY), client), config).send(request)
            except Exception:
                # Nothing answers; what counts is what was sent before that.
                return sent
    return sent
