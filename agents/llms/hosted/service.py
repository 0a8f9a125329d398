"""pydantic-ai's model classes, one per protocol, used directly: no agent loop, no retries of their own.

Importing this module takes seconds, so only a model's first call does.
"""

from __future__ import annotations

from typing import Any

import httpx2
from openai import AsyncAzureOpenAI
from pydantic import SecretStr
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.profiles.openai import OpenAIModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.azure import AzureProvider
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.google_cloud import GoogleCloudProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from agents.llms.hosted.messages import to_history
from contract.calls import ModelRequest
from contract.models import HostedModel

_AZURE_API_VERSION = "2024-10-21"
"""The first generally available version with JSON-schema output."""
_NO_KEY = "none"
_STRICT = frozenset({"openai", "azure"})
"""Strict mode keeps the reply within the schema, at the price of moving lengths into descriptions.
Other servers put lengths into their grammars, so they are left there."""


def connect(config: HostedModel, key: SecretStr | None, http: httpx2.AsyncClient) -> Model:
    """The model class for `config.provider`, speaking through `http`."""
    secret = key.get_secret_value() if key else None
    url = str(config.base_url).rstrip("/") if config.base_url else None
    if config.provider == "anthropic":
        return AnthropicModel(config.model_id, provider=_anthropic(url, secret, http))
    if config.provider == "google":
        return GoogleModel(
            config.model_id, provider=GoogleProvider(api_key=secret or _NO_KEY, http_client=http, base_url=url)
        )
    if config.provider == "google-vertex":
        return GoogleModel(config.model_id, provider=_vertex(config, url, secret, http))
    return OpenAIChatModel(config.model_id, provider=_openai(config, url, secret, http))


async def ask(model: Model, config: HostedModel, request: ModelRequest) -> ModelResponse:
    """One HTTP call. Raises what pydantic-ai raises."""
    return await model.request(
        to_history(request.messages, sees_images=config.sees_images),
        _settings(config, request),
        _parameters(model, config, request),
    )


def _anthropic(url: str | None, secret: str | None, http: httpx2.AsyncClient) -> AnthropicProvider:
    provider = AnthropicProvider(api_key=secret or _NO_KEY, base_url=url, http_client=http)
    provider.client.max_retries = 0
    return provider


def _vertex(config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient) -> GoogleCloudProvider:
    return GoogleCloudProvider(
        api_key=secret, project=config.project, location=config.location, http_client=http, base_url=url
    )


def _openai(
    config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient
) -> OpenAIProvider | AzureProvider | OpenAICompatibleProvider:
    if config.provider == "azure":
        version = config.api_version or _AZURE_API_VERSION
        client = AsyncAzureOpenAI(
            azure_endpoint=url or "", api_version=version, api_key=secret, http_client=http, max_retries=0
        )
        return AzureProvider(openai_client=client)
    if config.provider == "openai":
        provider = OpenAIProvider(base_url=url, api_key=secret or _NO_KEY, http_client=http)
    else:
        provider = OpenAICompatibleProvider(
            "openai-compatible",
            base_url=url or "",
            api_key=secret or _NO_KEY,
            http_client=http,
            profile=OpenAIModelProfile(
                supports_json_schema_output=True, openai_chat_supports_max_completion_tokens=False
            ),
        )
    provider.client.max_retries = 0
    return provider


def _settings(config: HostedModel, request: ModelRequest) -> ModelSettings:
    asked = request.settings.over(config.settings).model_dump(exclude_none=True)
    return ModelSettings(**asked, timeout=config.limits.timeout_seconds)


def _parameters(model: Model, config: HostedModel, request: ModelRequest) -> ModelRequestParameters:
    if request.output_schema is None:
        return ModelRequestParameters()
    schema: dict[str, Any] = request.model_dump(include={"output_schema"})["output_schema"]
    name = request.output_name or "reply"
    if model.profile.get("supports_json_schema_output", False):
        strict = True if config.provider in _STRICT else None
        return ModelRequestParameters(
            output_mode="native", output_object=OutputObjectDefinition(schema, name=name, strict=strict)
        )
    tool = ToolDefinition(
        name=name, description="Give the reply.", parameters_json_schema=schema, kind="output", sequential=True
    )
    return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
