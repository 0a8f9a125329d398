"""Connects to the Anthropic messages API, and to Claude on Amazon Bedrock."""

from __future__ import annotations

from typing import Any

import httpx2
from anthropic.lib.bedrock import AsyncAnthropicBedrock
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.profiles.anthropic import ANTHROPIC_THINKING_BUDGET_MAP, AnthropicModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider

from agents.llms.hosted.keys import PLACEHOLDER_KEY, origin_of
from agents.llms.hosted.providers.odd_counts import silent_odd_counts
from contract.models import HostedModel


def connect(config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient) -> Model:
    """The pydantic-ai model for `config`, which uses the client `http`."""
    provider = _provider(config, url, secret or PLACEHOLDER_KEY, http)
    provider.client.max_retries = 0
    # The library takes headers from the environment by itself, but a study decides where the requests go.
    provider.client._custom_headers = {}  # type: ignore[reportPrivateUsage]
    return _MessagesModel(config.model_id, provider=provider, profile=_profile(config))


def _profile(config: HostedModel) -> AnthropicModelProfile:
    """What the configuration says of the model, over what the library knows of it."""
    known = AnthropicProvider.model_profile(config.model_id) or {}
    profile = AnthropicModelProfile()
    if config.thinking not in (None, "off") and known.get("supports_thinking", False):
        # Claude refuses these settings while it thinks.
        profile["anthropic_disallows_sampling_settings"] = True
    return profile


def thinking_budget(config: HostedModel) -> int | None:
    """The tokens that the model may think with, which its limit has to exceed; None where it is told in words."""
    profile = AnthropicProvider.model_profile(config.model_id) or {}
    if config.thinking in (None, "off") or profile.get("anthropic_supports_adaptive_thinking", False):
        return None
    return ANTHROPIC_THINKING_BUDGET_MAP[config.thinking] if profile.get("supports_thinking", False) else None


def _provider(config: HostedModel, url: str | None, secret: str, http: httpx2.AsyncClient) -> AnthropicProvider:
    if config.provider != "bedrock":
        return AnthropicProvider(api_key=secret, base_url=url, http_client=http)
    # With an address of ours, since the library would take one from the environment.
    client = AsyncAnthropicBedrock(
        api_key=secret, aws_region=config.location, base_url=url or origin_of(config), http_client=http
    )
    return AnthropicProvider(anthropic_client=client)


class _MessagesModel(AnthropicModel):
    """Reads a reply also where its counts are odd."""

    def _process_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        with silent_odd_counts():
            return super()._process_response(*args, **kwargs)
