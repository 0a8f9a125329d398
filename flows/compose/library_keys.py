"""The keys with which a study's libraries of literature are read: by the rules that the keys of models have."""

from __future__ import annotations

import os
from dataclasses import replace

from pydantic import SecretStr

from contract.models import origin_of_url
from contract.storage import SearchableStorage, StorageConfig, ZoteroStorage
from flows.check.sources import source_of
from flows.compose.key_permissions import KeyPermissions
from flows.config.diagnostics import Diagnostics
from flows.config.own_config import how_to_allow
from flows.config.provenance import KeyPath
from flows.spec.study import Study


def with_library_keys(study: Study, permissions: KeyPermissions, diagnostics: Diagnostics) -> Study:
    """The study with the keys of the libraries that it reads. A key that may not go where it would is a mistake."""
    storage = dict(study.storage)
    for name in {study.flow.records, study.flow.corpus or study.flow.records} & storage.keys():
        storage[name] = _with_key(name, storage[name], permissions, diagnostics)
    return replace(study, storage=storage)


def _with_key(name: str, config: StorageConfig, permissions: KeyPermissions, diagnostics: Diagnostics) -> StorageConfig:
    source = source_of(config)
    if not isinstance(source, ZoteroStorage) or not source.is_web or source.api_key is not None:
        return config
    key, origin = os.environ.get(source.api_key_env, "").strip(), origin_of_url(source.origin)
    if not key:
        return config
    path: KeyPath = ("storage", name, *(("source",) if isinstance(config, SearchableStorage) else ()))
    if not permissions.allows(source.api_key_env, origin):
        what = (
            f"the library of '{name}' would be sent the environment variable {source.api_key_env} at {origin}, which "
            "neither Zotero nor your own configuration allows"
        )
        todo = f"if that host is to have this key, {how_to_allow('keys', f'{source.api_key_env}: {origin}')}"
        diagnostics.add_at((*path, "endpoint" if source.endpoint else "api_key_env"), what, todo=todo)
        return config
    keyed = source.model_copy(update={"api_key": SecretStr(key)})
    return config.model_copy(update={"source": keyed}) if isinstance(config, SearchableStorage) else keyed
