"""API keys: finds them, and reports a missing one. Imports no provider's library."""

from __future__ import annotations

import os
from collections.abc import Mapping

from pydantic import SecretStr

from contract.models import HostedModel

_DEFAULT_VARIABLES: dict[str, tuple[str, ...]] = {
    "openai": ("OPENAI_API_KEY",),
    "anthropic": ("ANTHROPIC_API_KEY",),
    "google": ("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    "azure": ("AZURE_OPENAI_API_KEY",),
    "google-vertex": (),
    "openai-compatible": (),
}
VERTEX_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
PLACEHOLDER_KEY = "none"
"""The key passed to a provider's library that requires one when there is none."""


def key_variables(config: HostedModel) -> tuple[str, ...]:
    """The environment variables that may hold the key, in the order of reading; empty if no variable is needed."""
    if config.api_key_secret:
        return ()
    return (config.api_key_env,) if config.api_key_env else _DEFAULT_VARIABLES[config.provider]


def find_key(config: HostedModel, environment: Mapping[str, str] | None = None) -> SecretStr | None:
    """The key from the configuration, else from the environment, else None."""
    if config.api_key is not None and config.api_key.get_secret_value():
        return config.api_key
    environment = os.environ if environment is None else environment
    found = next((environment[name] for name in key_variables(config) if environment.get(name)), None)
    return SecretStr(found) if found else None


def missing_key(config: HostedModel, environment: Mapping[str, str] | None = None) -> str | None:
    """What the user must set before this model can be used, or None if nothing is missing.

    Google Vertex uses the machine's Google Cloud login. Only a call can check that.
    """
    names = key_variables(config)
    if not names or find_key(config, environment) is not None:
        return None
    return f"no API key for {config.provider}: set the environment variable {' or '.join(names)}"
