"""A model behind a provider's API. Each `complete` makes one call."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from agents.llms.hosted.clients import HttpClients
from agents.llms.hosted.keys import missing_key
from agents.llms.sending import was_missed
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelRejected, NeedsAnotherTurn, NotSentInTime
from contract.models import HostedModel

if TYPE_CHECKING:
    from agents.llms.hosted.structured_output import StructuredCalls


class Hosted:
    """A Model over OpenAI chat, Anthropic messages, Gemini, Azure OpenAI, or a server with OpenAI's protocol.

    Building it is cheap. The provider's library is imported before the first call, in a thread.
    """

    def __init__(self, name: str, config: HostedModel, clients: HttpClients | None = None) -> None:
        self._name = name
        self._config = config
        self._own_clients = HttpClients() if clients is None else None
        self._clients = clients or self._own_clients or HttpClients()
        self._key = config.api_key
        self._service: StructuredCalls | None = None
        self._connect_lock = asyncio.Lock()

    @property
    def name(self) -> str:
        """The name that a study uses for it."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """Digest of provider, model id and address."""
        return self._config.fingerprint

    @property
    def sees_images(self) -> bool:
        """Whether pictures are sent; if not, their alt text is sent."""
        return self._config.sees_images

    @property
    def reads_material(self) -> bool:
        """Always False: a hosted model reads messages."""
        return False

    async def prepare(self) -> None:
        """Imports the provider's library. Raises ModelRejected, with a plain message that contains no secret."""
        await self._get_service()

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Makes one HTTP call, and one more for each way to ask for the structure that the service refuses.

        Within a turn of the limits per minute it is one; NeedsAnotherTurn is raised where the service refuses its way.
        Raises ModelRejected or another Transient, with a plain message that contains no secret.
        """
        service = await self._get_service()
        from agents.llms.hosted.errors import translate
        from agents.llms.hosted.reply import to_reply
        from agents.llms.hosted.sent_settings import recorded

        try:
            started = datetime.now(UTC)
            with recorded(self._config.thinking) as sent:
                response = await service.send(request)
            reply = to_reply(response, request, self._config, started, datetime.now(UTC), sent)
            way = service.simpler_way(request)
            return reply.model_copy(update={"structured": way}) if way else reply
        except NeedsAnotherTurn:
            raise
        except Exception as error:
            failure = NotSentInTime() if was_missed() else translate(error, self._name, self._config, self._secret)
        # Raised outside the handler: the provider's own error may contain a key, and is not chained to this one.
        raise failure

    async def aclose(self) -> None:
        """Closes the connections, unless other models share them."""
        if self._own_clients:
            await self._own_clients.aclose()

    @property
    def _secret(self) -> str | None:
        return self._key.get_secret_value() if self._key else None

    async def _get_service(self) -> StructuredCalls:
        if self._key is None and (missing := missing_key(self._config, {})):
            raise ModelRejected(f"model '{self._name}': {missing}")
        async with self._connect_lock:
            if self._service is None:
                self._service = await self._connected()
            return self._service

    async def _connected(self) -> StructuredCalls:
        await asyncio.to_thread(import_module, "agents.llms.hosted.structured_output")
        from agents.llms.hosted.errors import translate

        try:
            return await asyncio.to_thread(self._connect)
        except Exception as error:
            failure = translate(error, self._name, self._config, self._secret)
        # Raised outside the handler, as in `complete`.
        raise failure

    def _connect(self) -> StructuredCalls:
        from agents.llms.hosted.pydantic_ai_service import connect
        from agents.llms.hosted.structured_output import StructuredCalls

        client = self._clients.get(self._config.provider)
        return StructuredCalls(connect(self._config, self._key, client), self._config)


def from_config(name: str, config: HostedModel, clients: HttpClients | None = None) -> Hosted:
    """The hosted model that `config` describes. Opens no connection."""
    return Hosted(name, config, clients)
