"""Reads a models.json from Google Secret Manager or an environment variable, and API keys that are secrets."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from pydantic import SecretStr, TypeAdapter

from contract.base import JsonValue
from contract.errors import StudyError
from contract.models import HostedModel, ModelConfig
from contract.secrets import SecretSettings
from flows.config.diagnostics import Diagnostics
from flows.config.provenance import KeyPath
from flows.config.validate import validate_data
from flows.spec.study import Study

MODELS_JSON_VARIABLE = "BUTTERMILK_MODELS_JSON"
"""The environment variable whose text is a models.json."""


def secret_settings_of(section: JsonValue, diagnostics: Diagnostics) -> SecretSettings:
    """The `secrets:` section."""
    data = section if isinstance(section, dict) else {}
    adapter = TypeAdapter(SecretSettings)
    return (
        validate_data(adapter, data, ("secrets",), lambda loc: None if loc else SecretSettings, diagnostics)
        or SecretSettings()
    )


def external_models(settings: SecretSettings, diagnostics: Diagnostics) -> dict[str, ModelConfig]:
    """The models of the secret that the study names; those of the environment variable replace them by name."""
    models = dict[str, ModelConfig]()
    if settings.models:
        text = _read_secret(settings.models, ("secrets", "models"), settings, diagnostics)
        if text is None:
            diagnostics.mark_reported(("models",))
        else:
            models |= _parse_models(text, f"the secret {settings.models}", diagnostics)
    if text := os.environ.get(MODELS_JSON_VARIABLE, "").strip():
        models |= _parse_models(text, f"the environment variable {MODELS_JSON_VARIABLE}", diagnostics)
    return models


def with_api_keys(study: Study, settings: SecretSettings, diagnostics: Diagnostics) -> Study:
    """The study with the API keys that its models name as secrets; a secret that cannot be read is reported."""
    models = dict(study.models)
    for name in sorted(study.used_models):
        config = models[name]
        if isinstance(config, HostedModel) and config.api_key_secret and config.api_key is None:
            path = ("models", name, "api_key_secret")
            if key := _read_secret(config.api_key_secret, path, settings, diagnostics):
                models[name] = config.model_copy(update={"api_key": SecretStr(key.strip())})
    return replace(study, models=models)


def _read_secret(name: str, path: KeyPath, settings: SecretSettings, diagnostics: Diagnostics) -> str | None:
    from flows.compose.secret_manager import SecretUnreadable, read_secret

    try:
        return read_secret(name, settings).get_secret_value()
    except SecretUnreadable as error:
        diagnostics.add_at(path, error.what, todo=error.todo)
        return None


def _parse_models(text: str, where: str, diagnostics: Diagnostics) -> Mapping[str, ModelConfig]:
    from agents.llms.models_file import parse_models

    try:
        return parse_models(text, where)
    except StudyError as error:
        for found in error.problems:
            diagnostics.add(found.where, found.what, nearest=found.nearest, todo=found.todo)
        diagnostics.mark_reported(("models",))
        return {}
