"""Reads what stands outside a study: the user's own models, a models.json that is a secret, and the keys of models."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace

from pydantic import SecretStr, TypeAdapter

from agents.llms.hosted.keys import key_variables
from contract.base import JsonValue
from contract.errors import StudyError
from contract.models import HostedModel, ModelConfig
from contract.secrets import SecretSettings
from flows.compose.sections import models_of
from flows.config.diagnostics import Diagnostics
from flows.config.own_config import user_config_folder
from flows.config.provenance import KeyPath, SourceLocation
from flows.config.validate import validate_data
from flows.config.yaml_documents import read_document
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


def secret_models(settings: SecretSettings, diagnostics: Diagnostics) -> dict[str, ModelConfig]:
    """The models of the secret that the study names."""
    if not settings.models:
        return {}
    text = _read_secret(settings.models, ("secrets", "models"), settings, diagnostics)
    if text is None:
        diagnostics.mark_reported(("models",))
        return {}
    where = f"the secret {settings.models}"
    models = _parse_models(text, where, diagnostics)
    for name in models:
        diagnostics.provenance.locations[("models", name)] = SourceLocation(where)
    return dict(models)


def users_models(diagnostics: Diagnostics) -> dict[str, ModelConfig]:
    """The models of the user's own folder; those of the environment variable replace them by name.

    They are no part of the composed configuration, so that no study can read or change them.
    """
    folder = user_config_folder()
    own, section = Diagnostics(), dict[str, JsonValue]()
    for path in sorted((folder / "models").glob("*.yaml")):
        document = read_document(path)
        for problem in document.problems:
            diagnostics.add(problem.where, problem.what, nearest=problem.nearest, todo=problem.todo)
        if document.root and not document.broken:
            own.provenance.add_file(path, document.root, ("models",))
            section |= document.value()
    models = models_of(section, (folder,), own)
    diagnostics.reported |= own.reported
    for problem in own.problems.values():
        diagnostics.add(problem.where, problem.what, nearest=problem.nearest, todo=problem.todo)
    if text := os.environ.get(MODELS_JSON_VARIABLE, "").strip():
        models |= _parse_models(text, f"the environment variable {MODELS_JSON_VARIABLE}", diagnostics)
    return models


def with_users_models(
    models: dict[str, ModelConfig], own: Mapping[str, ModelConfig], diagnostics: Diagnostics
) -> dict[str, ModelConfig]:
    """The study's models, with those of the user in the place of others of the same name."""
    for name in sorted(models.keys() & own.keys()):
        diagnostics.add_notice(f"the model '{name}' is your own; another of that name in the study is not used")
    for name in own:
        diagnostics.provenance.forget_below(("models", name))
        diagnostics.provenance.locations[("models", name)] = SourceLocation(f"your own model '{name}'")
    return {**models, **own}


def with_api_keys(
    study: Study, settings: SecretSettings, forbidden: Collection[str], diagnostics: Diagnostics
) -> Study:
    """The study with the keys of its models, read from the environment and from secrets. No other place reads them.

    The models in `forbidden` get none. A secret that cannot be read is reported.
    """
    models = dict(study.models)
    for name in sorted(study.used_models.difference(forbidden)):
        config = models[name]
        if not isinstance(config, HostedModel) or config.api_key is not None:
            continue
        if config.api_key_secret:
            key = _read_secret(config.api_key_secret, ("models", name, "api_key_secret"), settings, diagnostics)
        else:
            key = next((os.environ[word] for word in key_variables(config) if os.environ.get(word)), None)
        if key and key.strip():
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
