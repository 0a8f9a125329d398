"""Connects to OpenAI chat, Azure OpenAI, and servers with OpenAI's protocol."""

from __future__ import annotations

from typing import Any

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion
from pydantic import ValidationError
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
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
    provider = _provider(config, url, secret, http)
    return _ChatModel(config.model_id, provider=provider, profile=_profile(config))


def connect_embeddings(
    config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient
) -> OpenAIEmbeddingModel:
    """The pydantic-ai model for vectors of the service, which uses the client `http`."""
    return OpenAIEmbeddingModel(config.model_id, provider=_provider(config, url, secret, http))


def _profile(config: HostedModel) -> OpenAIModelProfile:
    """What the configuration says of the model, over what the library knows of it."""
    profile = OpenAIModelProfile()
    if config.token_limit_name:
        new_name = config.token_limit_name != "max_tokens"  # noqa: S105 counts words, and is no password
        profile["openai_chat_supports_max_completion_tokens"] = new_name
    if config.structured == "schema":
        profile["supports_json_schema_output"] = True
    if config.structured == "json":
        profile["supports_json_object_output"] = True
    if config.thinking and config.provider == "openai-compatible":
        profile["supports_thinking"] = profile["openai_supports_reasoning_effort_none"] = True
    return profile


class _ChatModel(OpenAIChatModel):
    """Reads a reply also where its counts are odd: it was written and billed, and would be paid for again."""

    def _validate_completion(self, response: ChatCompletion) -> Any:
        return super()._validate_completion(response.model_copy(update={"usage": _plausible(response.usage)}))


def _plausible(usage: CompletionUsage | None) -> CompletionUsage | None:
    """`usage` with at least its two counts; None where one of them is null, a text or a negative number."""
    # Servers may leave out what the type promises, and the library does not check it.
    given: dict[str, Any] = usage.model_dump(warnings=False) if isinstance(usage, CompletionUsage) else {}
    counts = [given.get(name) for name in ("prompt_tokens", "completion_tokens")]
    sent, written = (count if isinstance(count, int) and count >= 0 else None for count in counts)
    if sent is None or written is None:
        return None
    try:
        return CompletionUsage.model_validate({"total_tokens": sent + written} | given)
    except ValidationError:
        return CompletionUsage(prompt_tokens=sent, completion_tokens=written, total_tokens=sent + written)


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
                supports_json_schema_output=True,
                supports_json_object_output=True,
                openai_chat_supports_max_completion_tokens=False,
            ),
        )
    provider.client.max_retries = 0
    _forget_environment(provider.client)
    return provider


def _forget_environment(client: AsyncOpenAI) -> None:
    """Removes what the library took from the environment by itself: a study decides where the requests go."""
    client.organization = client.project = None
    client._custom_headers = {}  # type: ignore[reportPrivateUsage]
