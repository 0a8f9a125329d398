"""Models that no file holds: a models.json in Google Secret Manager or in an environment variable, and secret keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from pydantic import SecretStr, TypeAdapter

from contract.base import JsonValue
from contract.errors import StudyError
from contract.models import HostedModel, ModelConfig
from contract.secrets import SecretSettings
from flows.config.diagnostics import Findings
from flows.config.provenance import KeyPath
from flows.config.validate import fitted
from flows.spec.study import Study

VARIABLE = "BUTTERMILK_MODELS_JSON"
"""The environment variable whose text is a models.json."""


def secrets_of(section: JsonValue, findings: Findings) -> SecretSettings:
    """The `secrets:` section."""
    data = section if isinstance(section, dict) else {}
    adapter = TypeAdapter(SecretSettings)
    return fitted(adapter, data, ("secrets",), lambda loc: None if loc else SecretSettings, findings) or SecretSettings()


def models_elsewhere(settings: SecretSettings, findings: Findings) -> dict[str, ModelConfig]:
    """The models of the secret that the study names, and over them those of the environment."""
    models = dict[str, ModelConfig]()
    if settings.models:
        text = _read(settings.models, ("secrets", "models"), settings, findings)
        if text is None:
            findings.spoil(("models",))
        else:
            models |= _parsed(text, f"the secret {settings.models}", findings)
    if text := os.environ.get(VARIABLE, "").strip():
        models |= _parsed(text, f"the environment variable {VARIABLE}", findings)
    return models


def with_keys(study: Study, settings: SecretSettings, findings: Findings) -> Study:
    """The study with the keys that its models name as secrets; what cannot be had is told."""
    models = dict(study.models)
    for name in sorted(study.used_models):
        config = models[name]
        if isinstance(config, HostedModel) and config.api_key_secret and config.api_key is None:
            path = ("models", name, "api_key_secret")
            if key := _read(config.api_key_secret, path, settings, findings):
                models[name] = config.model_copy(update={"api_key": SecretStr(key.strip())})
    return replace(study, models=models)


def _read(name: str, place: KeyPath, settings: SecretSettings, findings: Findings) -> str | None:
    from flows.compose.secret_manager import SecretUnreadable, read_secret

    try:
        return read_secret(name, settings).get_secret_value()
    except SecretUnreadable as error:
        findings.at(place, error.what, todo=error.todo)
        return None


def _parsed(text: str, where: str, findings: Findings) -> Mapping[str, ModelConfig]:
    from agents.llms.models_file import parse_models

    try:
        return parse_models(text, where)
    except StudyError as error:
        for found in error.problems:
            findings.say(found.where, found.what, nearest=found.nearest, todo=found.todo)
        findings.spoil(("models",))
        return {}
