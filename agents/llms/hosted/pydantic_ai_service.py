"""Calls pydantic-ai's model classes, one per protocol, directly: without its agent loop and without its retries.

The import of this module takes seconds. It is done at a model's first call, or during another wait.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import httpx2
from pydantic import SecretStr
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from agents.llms.hosted.messages import to_history
from contract.calls import ModelRequest
from contract.models import HostedModel

_PROVIDER_MODULES: Mapping[str, str] = {
    "anthropic": "anthropic",
    "azure": "openai",
    "google": "google",
    "google-vertex": "google",
    "openai": "openai",
    "openai-compatible": "openai",
}
"""Provider -> the module of `agents.llms.hosted.providers` that connects to it."""
_STRICT_PROVIDERS = frozenset({"openai", "azure"})
"""Strict mode keeps the reply within the schema, but moves limits of length into descriptions.
Other servers enforce limits of length in their grammars, so for them the limits stay in the schema."""


def provider_module(provider: str) -> Any:
    """The module that connects to `provider`. The first import takes seconds."""
    return import_module(f"agents.llms.hosted.providers.{_PROVIDER_MODULES[provider]}")


def connect(config: HostedModel, key: SecretStr | None, http: httpx2.AsyncClient) -> Model:
    """The pydantic-ai model for `config.provider`, which uses the client `http`."""
    url = str(config.base_url).rstrip("/") if config.base_url else None
    return provider_module(config.provider).connect(config, url, key.get_secret_value() if key else None, http)


async def send_request(model: Model, config: HostedModel, request: ModelRequest) -> ModelResponse:
    """Makes one HTTP call. Raises what pydantic-ai raises."""
    return await model.request(
        to_history(request.messages, sees_images=config.sees_images),
        _settings(config, request),
        _request_parameters(model, config, request),
    )


def _settings(config: HostedModel, request: ModelRequest) -> ModelSettings:
    settings = request.settings.with_defaults(config.settings).model_dump(exclude_none=True)
    return ModelSettings(**settings, timeout=config.limits.timeout_seconds)


def _request_parameters(model: Model, config: HostedModel, request: ModelRequest) -> ModelRequestParameters:
    if request.output_schema is None:
        return ModelRequestParameters()
    schema: dict[str, Any] = request.model_dump(include={"output_schema"})["output_schema"]
    name = request.output_name or "reply"
    if model.profile.get("supports_json_schema_output", False):
        strict = True if config.provider in _STRICT_PROVIDERS else None
        return ModelRequestParameters(
            output_mode="native", output_object=OutputObjectDefinition(schema, name=name, strict=strict)
        )
    tool = ToolDefinition(
        name=name, description="Give the reply.", parameters_json_schema=schema, kind="output", sequential=True
    )
    return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
