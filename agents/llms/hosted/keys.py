"""API keys: which variables may hold them, to which hosts a provider's own keys go, and what is missing.

No module here reads a key. A study's composition does, after it has checked where the key would go. Imports no
provider's library.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from contract.models import AWS_REGION, HostedModel, origin_of_url
from contract.zotero import ZOTERO_KEY, ZOTERO_WEB

_DEFAULT_VARIABLES: dict[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "azure": ("AZURE_OPENAI_API_KEY",),
    "bedrock": ("AWS_BEARER_TOKEN_BEDROCK",),
    "google-vertex": (),
    "openai-compatible": (),
}
USUAL_KEY_VARIABLES = tuple(sorted({ZOTERO_KEY, *(name for names in _DEFAULT_VARIABLES.values() for name in names)}))
"""The variables in which providers' own libraries expect a key."""
EMBEDDING_PROVIDERS = ("openai", "azure", "openai-compatible")
"""Providers whose services make vectors by OpenAI's protocol."""
_DEFAULT_ORIGINS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com",
    "google-vertex": "https://aiplatform.googleapis.com",
}
_ORIGINS: dict[str, re.Pattern[str]] = {
    "openai": re.compile(r"https://([a-z]{2}\.)?api\.openai\.com"),
    "anthropic": re.compile(r"https://api\.anthropic\.com"),
    "google": re.compile(r"https://generativelanguage\.googleapis\.com"),
    "bedrock": re.compile(rf"https://bedrock-runtime(-fips)?\.{AWS_REGION}\.amazonaws\.com"),
    "google-vertex": re.compile(r"https://([a-z0-9-]+-)?aiplatform(\.[a-z0-9-]+\.rep)?\.googleapis\.com"),
}
"""Provider -> the addresses that are the provider's own, regional ones included.

None for Azure: anybody can own an address there, and read what is sent to it.
"""
AZURE_ENDPOINT = "AZURE_OPENAI_ENDPOINT"
"""The environment variable with which users of Azure OpenAI name the address of their own resource."""
VERTEX_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
GOOGLE_LOGIN = "the Google Cloud login"
"""What a model on Google Vertex sends in the place of a key."""
_OWN_KEYS = {**_DEFAULT_VARIABLES, "google-vertex": (GOOGLE_LOGIN, *_DEFAULT_VARIABLES["google"])}
PLACEHOLDER_KEY = "none"
"""The key passed to a provider's library that requires one when there is none."""


def key_variables(config: HostedModel) -> tuple[str, ...]:
    """The environment variables that may hold the key, in the order of reading; empty if no variable is needed."""
    if config.api_key_secret:
        return ()
    return (config.api_key_env,) if config.api_key_env else _DEFAULT_VARIABLES[config.provider]


def origin_of(config: HostedModel) -> str:
    """The address to which the model's requests go, without its path."""
    if config.base_url is None and config.provider == "bedrock":
        return f"https://bedrock-runtime.{config.location}.amazonaws.com"
    return origin_of_url(config.base_url) if config.base_url else _DEFAULT_ORIGINS[config.provider]


def is_providers_own(variable: str, origin: str) -> bool:
    """Whether an address is that of a provider whose usual variable this is, or of the provider of a login."""
    if variable == ZOTERO_KEY:
        return origin == ZOTERO_WEB
    return any(pattern.fullmatch(origin) for provider, pattern in _ORIGINS.items() if variable in _OWN_KEYS[provider])


def azure_pair(environment: Mapping[str, str]) -> tuple[str, str] | None:
    """Azure's usual variable and the address that the user's environment names for it; None if it names none."""
    try:
        origin = origin_of_url(environment.get(AZURE_ENDPOINT, "").strip())
    except ValueError:
        return None
    return ("AZURE_OPENAI_API_KEY", origin) if origin.startswith("https://") else None


def is_providers_address(provider: str, origin: str) -> bool:
    """Whether an address is one of the provider's own."""
    return provider in _ORIGINS and bool(_ORIGINS[provider].fullmatch(origin))


def missing_key(config: HostedModel, environment: Mapping[str, str] | None = None) -> str | None:
    """What the user must set before this model can be used, or None if nothing is missing.

    Google Vertex uses the machine's Google Cloud login. Only a call can check that.
    """
    environment = os.environ if environment is None else environment
    names = key_variables(config)
    if config.api_key is not None or not names or any(environment.get(name) for name in names):
        return None
    return f"no API key for {config.provider}: set the environment variable {' or '.join(names)}"
