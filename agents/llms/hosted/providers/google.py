"""Connects to Gemini, with a key or through Google Cloud."""

from __future__ import annotations

import os
from typing import Any

import httpx2
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.google_cloud import GoogleCloudProvider

from agents.llms.hosted.keys import PLACEHOLDER_KEY
from agents.llms.hosted.providers.odd_counts import silent_odd_counts
from contract.models import HostedModel

_LOCATION_VARIABLE = "GOOGLE_CLOUD_LOCATION"
_DEFAULT_LOCATION = "us-central1"
"""The one that the library takes, too."""


def connect(config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient) -> Model:
    """The pydantic-ai model for `config`, which uses the client `http`."""
    if config.provider == "google-vertex":
        # Without a location and a key the library would take another service's key from the environment.
        location = config.location or (None if secret else os.environ.get(_LOCATION_VARIABLE) or _DEFAULT_LOCATION)
        provider = GoogleCloudProvider(
            api_key=secret, project=config.project, location=location, http_client=http, base_url=url
        )
    else:
        provider = GoogleProvider(api_key=secret or PLACEHOLDER_KEY, http_client=http, base_url=url)
    return _GeminiModel(config.model_id, provider=provider)


class _GeminiModel(GoogleModel):
    """Reads a reply also where its counts are odd."""

    def _process_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        with silent_odd_counts():
            return super()._process_response(*args, **kwargs)
