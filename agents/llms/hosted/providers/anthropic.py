"""Connects to the Anthropic messages API."""

from __future__ import annotations

from typing import Any

import httpx2
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from agents.llms.hosted.keys import PLACEHOLDER_KEY
from agents.llms.hosted.providers.odd_counts import silent_odd_counts
from contract.models import HostedModel


def connect(config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient) -> Model:
    """The pydantic-ai model for `config`, which uses the client `http`."""
    provider = AnthropicProvider(api_key=secret or PLACEHOLDER_KEY, base_url=url, http_client=http)
    provider.client.max_retries = 0
    # The library takes headers from the environment by itself, but a study decides where the requests go.
    provider.client._custom_headers = {}  # type: ignore[reportPrivateUsage]
    return _MessagesModel(config.model_id, provider=provider)


class _MessagesModel(AnthropicModel):
    """Reads a reply also where its counts are odd."""

    def _process_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        with silent_odd_counts():
            return super()._process_response(*args, **kwargs)
