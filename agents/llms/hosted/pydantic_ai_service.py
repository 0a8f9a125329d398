"""Calls pydantic-ai's model classes, one per protocol, directly: without its agent loop and without its retries.

The import of this module takes seconds. It is done at a model's first call, or during another wait.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import httpx2
from pydantic import SecretStr
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings

from agents.llms.hosted.messages import to_history
from contract.base import thawed
from contract.calls import ModelRequest
from contract.models import HostedModel

_PROVIDER_MODULES: Mapping[str, str] = {
    "anthropic": "anthropic",
    "azure": "openai",
    "bedrock": "anthropic",
    "google": "google",
    "google-vertex": "google",
    "openai": "openai",
    "openai-compatible": "openai",
}
"""Provider -> the module of `agents.llms.hosted.providers` that connects to it."""

# In each run the library would show a scholar its own file for each setting that it leaves out. `check` says which
# these are, and a reply names what was sent. Filters belong to the process: this is set once, around no single call.
warnings.filterwarnings("ignore", message=r".*(will be ignored|takes precedence over)", category=UserWarning)


def provider_module(provider: str) -> Any:
    """The module that connects to `provider`. The first import takes seconds."""
    return import_module(f"agents.llms.hosted.providers.{_PROVIDER_MODULES[provider]}")


def connect(config: HostedModel, key: SecretStr | None, http: httpx2.AsyncClient) -> Model:
    """The pydantic-ai model for `config.provider`, which uses the client `http`."""
    url = str(config.base_url).rstrip("/") if config.base_url else None
    return provider_module(config.provider).connect(config, url, key.get_secret_value() if key else None, http)


def thinking_budget(config: HostedModel) -> int | None:
    """The tokens of the limit that the model thinks with, where its service refuses a limit that leaves no more.

    None for one that is told how much to think in words. The import takes seconds.
    """
    budget_of = getattr(provider_module(config.provider), "thinking_budget", None)
    return budget_of(config) if budget_of else None


async def send_request(
    model: Model, config: HostedModel, request: ModelRequest, parameters: ModelRequestParameters
) -> ModelResponse:
    """Makes one HTTP call. Raises what pydantic-ai raises."""
    return await model.request(
        to_history(request.messages, sees_images=config.sees_images), _settings(config, request), parameters
    )


def _settings(config: HostedModel, request: ModelRequest) -> ModelSettings:
    settings: dict[str, Any] = request.settings.with_defaults(config.settings).model_dump(
        exclude_none=True, exclude=set(config.unsupported)
    )
    if config.thinking:
        settings["thinking"] = False if config.thinking == "off" else config.thinking
    if config.extra_body:
        settings["extra_body"] = thawed(config.extra_body)
    if config.extra_headers:
        settings["extra_headers"] = dict(config.extra_headers)
    return ModelSettings(**settings, timeout=config.limits.timeout_seconds)
