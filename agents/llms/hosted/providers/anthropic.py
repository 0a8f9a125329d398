"""Connects to the Anthropic messages API."""

from __future__ import annotations

import httpx2
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

from agents.llms.hosted.keys import PLACEHOLDER_KEY
from contract.models import HostedModel


def connect(config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient) -> Model:
    """The pydantic-ai model for `config`, which uses the client `http`."""
    provider = AnthropicProvider(api_key=secret or PLACEHOLDER_KEY, base_url=url, http_client=http)
    provider.client.max_retries = 0
    # The library takes headers from the environment by itself, but a study decides where the requests go.
    provider.client._custom_headers = {}  # type: ignore[reportPrivateUsage]
    return AnthropicModel(config.model_id, provider=provider)
