"""Connects to OpenAI chat, Azure OpenAI, and servers with OpenAI's protocol."""

from __future__ import annotations

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI
from pydantic_ai.models import Model
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.azure import AzureProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from agents.llms.hosted.keys import PLACEHOLDER_KEY
from contract.models import HostedModel

_AZURE_API_VERSION = "2024-10-21"
"""The first generally available version with JSON-schema output."""


def connect(config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient) -> Model:
    """The pydantic-ai model for `config`, which uses the client `http`."""
    return OpenAIChatModel(config.model_id, provider=_provider(config, url, secret, http))


def _provider(
    config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient
) -> OpenAIProvider | AzureProvider | OpenAICompatibleProvider:
    if config.provider == "azure":
        version = config.api_version or _AZURE_API_VERSION
        client = AsyncAzureOpenAI(
            azure_endpoint=url or "",
            api_version=version,
            api_key=secret or PLACEHOLDER_KEY,
            http_client=http,
            max_retries=0,
        )
        _forget_environment(client)
        return AzureProvider(openai_client=client)
    if config.provider == "openai":
        provider = OpenAIProvider(base_url=url, api_key=secret or PLACEHOLDER_KEY, http_client=http)
    else:
        provider = OpenAICompatibleProvider(
            "openai-compatible",
            base_url=url or "",
            api_key=secret or PLACEHOLDER_KEY,
            http_client=http,
            profile=OpenAIModelProfile(
                supports_json_schema_output=True, openai_chat_supports_max_completion_tokens=False
            ),
        )
    provider.client.max_retries = 0
    _forget_environment(provider.client)
    return provider


def _forget_environment(client: AsyncOpenAI) -> None:
    """Removes what the library took from the environment by itself: a study decides where the requests go."""
    client.organization = client.project = None
    client._custom_headers = {}  # type: ignore[reportPrivateUsage]
