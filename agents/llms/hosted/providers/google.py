"""Connects to Gemini, with a key or through Google Cloud."""

from __future__ import annotations

import httpx2
from pydantic_ai.models import Model
from pydantic_ai.models.google import GoogleModel
from pydantic_ai.providers.google import GoogleProvider
from pydantic_ai.providers.google_cloud import GoogleCloudProvider

from agents.llms.hosted.keys import PLACEHOLDER_KEY
from contract.models import HostedModel


def connect(config: HostedModel, url: str | None, secret: str | None, http: httpx2.AsyncClient) -> Model:
    """The pydantic-ai model for `config`, which uses the client `http`."""
    if config.provider == "google-vertex":
        provider = GoogleCloudProvider(
            api_key=secret, project=config.project, location=config.location, http_client=http, base_url=url
        )
    else:
        provider = GoogleProvider(api_key=secret or PLACEHOLDER_KEY, http_client=http, base_url=url)
    return GoogleModel(config.model_id, provider=provider)
