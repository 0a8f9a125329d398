"""Which key goes to which host: decided by the provider and by the user's own configuration, never by a study.

A study can come from anyone. It may name any model at any address, and any variable as that model's key; the key is
read only if the pair of the two stands outside the study.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from agents.llms.hosted.keys import (
    AZURE_ENDPOINT,
    GOOGLE_LOGIN,
    azure_pair,
    is_providers_address,
    is_providers_own,
    key_variables,
    origin_of,
)
from contract.models import HostedModel, ModelConfig
from contract.secrets import is_loopback_host
from flows.config.compose_config import ComposedConfig
from flows.config.diagnostics import Diagnostics
from flows.config.folders import is_of_package
from flows.config.own_config import how_to_allow
from flows.config.provenance import KeyPath, Provenance

_CONFIG: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)
_NO_KEY = frozenset({"none", "no-key", "no_key", "not-needed", "unused", "empty", "dummy", "-"})
_WRITTEN_KEY = "a key that your own configuration holds"


@dataclass(frozen=True)
class KeyPermissions:
    """The keys that may be read, each for the addresses that it may be sent to."""

    pairs: frozenset[tuple[str, str]]
    """Name of a variable or secret, and an address."""
    written: frozenset[tuple[str, str]]
    """Key that stands in the user's own configuration itself, and an address."""
    addresses: frozenset[str]
    """Addresses that the user's own configuration names."""

    def allows(self, key: str, origin: str) -> bool:
        """Whether the variable, secret or login `key` may be sent to that address."""
        return is_providers_own(key, origin) or (key, origin) in self.pairs

    def is_misdirected(self, written_key: str, origin: str) -> bool:
        """Whether a key that the user's own configuration holds would go to another address than there."""
        mine = {held for held, _ in self.written}
        return written_key in mine and (written_key, origin) not in self.written


def key_permissions(composed: ComposedConfig, own_models: Mapping[str, ModelConfig]) -> KeyPermissions:
    """What the user's `allowed.yaml`, environment and own models, our package and plugins allow."""
    allowed = {(name, origin) for name, origins in composed.allowed.keys.items() for origin in origins}
    if azure := azure_pair(os.environ):
        allowed.add(azure)
    trusted = [*own_models.values(), *_package_models(composed)]
    hosted = [config for config in trusted if isinstance(config, HostedModel)]
    pairs = allowed | {(key, origin_of(config)) for config in hosted for key in keys_of(config)}
    written = {(config.api_key.get_secret_value(), origin_of(config)) for config in hosted if config.api_key}
    addresses = {origin for _, origin in allowed} | {origin_of(config) for config in hosted}
    return KeyPermissions(frozenset(pairs), frozenset(written), frozenset(addresses))


def keys_of(config: HostedModel) -> tuple[str, ...]:
    """The variables, the secret or the login that the model's requests would carry; empty for a key written out."""
    if config.api_key is not None:
        return ()
    if config.api_key_secret:
        return (config.api_key_secret,)
    return key_variables(config) or ((GOOGLE_LOGIN,) if config.provider == "google-vertex" else ())


class KeyCheck:
    """Checks where the keys and the texts of a study's models go. `forbidden` holds the models that get no key."""

    def __init__(
        self,
        composed: ComposedConfig,
        models: Mapping[str, ModelConfig],
        own_models: Mapping[str, ModelConfig],
        diagnostics: Diagnostics,
    ) -> None:
        self._of_study = {name: config for name, config in models.items() if name not in own_models}
        self.permissions = key_permissions(composed, own_models)
        self._diagnostics = diagnostics
        self.forbidden = forbidden_keys(self._of_study, self.permissions, diagnostics.provenance)

    def report(self, used: Collection[str]) -> None:
        """Reports what the models in `used` may not have, and notes the hosts that a study's author has chosen."""
        for name in sorted(self._of_study.keys() & used):
            if refused := self.forbidden.get(name):
                self._diagnostics.add_at(refused.path, refused.what, todo=refused.todo)
            elif address := foreign_address(self._of_study[name], self.permissions):
                self._diagnostics.add_notice(f"the model '{name}' of this study sends what it reads to {address}")
            self._note_written_key(name)

    def _note_written_key(self, name: str) -> None:
        """A study is passed on, and a key in one of its files with it."""
        place = self._diagnostics.provenance.locations.get(("models", name, "api_key"))
        if place and place.file:
            self._diagnostics.add_notice(
                f"{place}: the key of '{name}' is written in a file of the study, and goes where the study goes; put "
                "it into an environment variable, and write `api_key_env:` with the variable's name"
            )


@dataclass(frozen=True)
class ForbiddenKey:
    """A model whose key would go where neither its provider nor the user has allowed it."""

    path: KeyPath
    what: str
    todo: str


def forbidden_keys(
    models: Mapping[str, ModelConfig], permissions: KeyPermissions, provenance: Provenance
) -> dict[str, ForbiddenKey]:
    """The models of a study, by name, whose keys are not read."""
    found = {
        name: _forbidden_key(name, config, permissions)
        for name, config in models.items()
        if isinstance(config, HostedModel) and not _is_typed(name, config, provenance)
    }
    return {name: refused for name, refused in found.items() if refused}


def _forbidden_key(name: str, config: HostedModel, permissions: KeyPermissions) -> ForbiddenKey | None:
    origin = origin_of(config)
    if config.api_key and permissions.is_misdirected(config.api_key.get_secret_value(), origin):
        what = f"the model '{name}' would send {_WRITTEN_KEY} to {origin}"
        return ForbiddenKey(("models", name, "base_url"), what, "give this model a name of its own")
    unsuitable = (key for key in keys_of(config) if not permissions.allows(key, origin))
    key = next((key for key in unsuitable if not _holds_no_key(key)), None)
    if key is None:
        return None
    field = "base_url" if config.base_url else "api_key_secret" if config.api_key_secret else "api_key_env"
    what = (
        f"the model '{name}' would send {_described(key)} to {origin}, which neither the provider of that key "
        "nor your own configuration allows"
    )
    todo = f"if that host is to have this key, {how_to_allow('keys', f'{key}: {origin}')}"
    if key == "AZURE_OPENAI_API_KEY":
        todo += f", or set {AZURE_ENDPOINT} to the address of your own resource"
    if key == GOOGLE_LOGIN:
        todo = "leave `base_url` out, or name an address of Google's"
    return ForbiddenKey(("models", name, field), what, todo)


def _holds_no_key(variable: str) -> bool:
    """Whether the variable holds one of the words that stand for a key where a server asks for none."""
    return os.environ.get(variable, "").strip().lower() in _NO_KEY


def foreign_address(config: ModelConfig, permissions: KeyPermissions) -> str | None:
    """The host that a model of a study sends texts to, if neither its provider's, nor known to the user, nor here."""
    if not isinstance(config, HostedModel) or config.base_url is None:
        return None
    origin = origin_of(config)
    here = is_loopback_host((config.base_url.host or "").strip("[]"))
    return None if here or origin in permissions.addresses or is_providers_address(config.provider, origin) else origin


def _described(key: str) -> str:
    if key == GOOGLE_LOGIN:
        return key
    return f"the secret {key}" if "/" in key else f"the environment variable {key}"


def _is_typed(name: str, config: HostedModel, provenance: Provenance) -> bool:
    """Whether the command line itself names both the address and the key: then the user has paired them."""
    fields = ("base_url", "api_key_secret" if config.api_key_secret else "api_key_env")
    found = [provenance.locations.get(("models", name, field)) for field in fields]
    return all(place is not None and place.file is None and place.label.startswith("command line") for place in found)


def _package_models(composed: ComposedConfig) -> Iterator[ModelConfig]:
    """The models that our package and plugins define, as they stand there: nothing of a study is merged with them."""
    entries: dict[str, dict[str, Any]] = {}
    for path, document in composed.documents.items():
        if not is_of_package(path) or document.broken:
            continue
        content: Any = document.value()
        section: Any = content if path.parent.name == "models" else content.get("models")
        for name, entry in cast("dict[str, Any]", section).items() if isinstance(section, dict) else ():
            if isinstance(entry, dict):
                entries[name] = {**entries.get(name, {}), **cast("dict[str, Any]", entry)}
    for entry in entries.values():
        try:
            yield _CONFIG.validate_python(entry)
        except ValidationError:
            continue  # reported where the merged configuration is validated
