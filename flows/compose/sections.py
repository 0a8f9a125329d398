"""Types the sections beside the flows: models, storage and run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter

from agents.safety.paths import expanded, is_folder, text_file_problem
from contract.base import JsonValue
from contract.calls import ModelSettings
from contract.errors import StudyError
from contract.models import EmbeddedModel, HostedModel, Limits, LocalModel, ModelConfig, Price, ScriptedModel
from contract.run import RunSettings
from contract.storage import BUCKET_URL_PREFIX, StorageConfig
from flows.config.diagnostics import Diagnostics
from flows.config.folders import display_path
from flows.config.provenance import KeyPath
from flows.config.validate import validate_data
from flows.config.yaml_documents import read_document
from flows.storage import factory

T = TypeVar("T")
_MODEL_CLASSES: dict[str, type[BaseModel]] = {
    "hosted": HostedModel,
    "local": LocalModel,
    "embedded": EmbeddedModel,
    "scripted": ScriptedModel,
}
_CLOUD_STORAGE_TYPES = frozenset({"gcs", "bigquery"})
"""Storages whose `path` and `dataset` are names in the cloud."""
_DISCRIMINATORS = {"models": "kind", "storage": "type"}
"""Section -> the field that each of its entries has. Where it is text in the place of an entry, a name is missing."""
_NESTED_CLASSES: dict[str, type[BaseModel]] = {"settings": ModelSettings, "limits": Limits, "price": Price}


def models_of(section: JsonValue, folders: Sequence[Path], diagnostics: Diagnostics) -> dict[str, ModelConfig]:
    """Every model of the `models:` section, and of a models.json in a config folder; paths absolute."""
    adapter: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)

    def model_at(data: Mapping[str, Any], loc: KeyPath) -> type[BaseModel] | None:
        return _NESTED_CLASSES.get(loc[-1]) if loc else _MODEL_CLASSES.get(str(data.get("kind")))

    models = _validate_entries("models", section, adapter, model_at, diagnostics)
    for folder in reversed(folders):
        models |= _read_models_json(folder / "models.json", diagnostics)
    return models


def _read_models_json(path: Path, diagnostics: Diagnostics) -> dict[str, ModelConfig]:
    if not path.exists() and not path.is_symlink():
        return {}
    if problem := text_file_problem(path, path.parent):
        diagnostics.add(f"{display_path(path)}:1", problem)
        diagnostics.mark_reported(("models",))
        return {}
    from agents.llms.models_file import read_models

    try:
        found = read_models(path)
    except StudyError as error:
        for found in error.problems:
            where = found.where.replace(str(path), display_path(path))
            diagnostics.add(where, found.what, nearest=found.nearest, todo=found.todo)
        diagnostics.mark_reported(("models",))
        return {}
    for name in found:
        diagnostics.provenance.forget_below(("models", name))
    # JSON is YAML, so it is read a second time for the lines of its values.
    if root := read_document(path).root:
        diagnostics.provenance.add_file(path, root, ("models",))
    return found


def storages_of(section: JsonValue, diagnostics: Diagnostics) -> dict[str, StorageConfig]:
    """Every storage of the `storage:` section; paths absolute."""
    adapter: TypeAdapter[StorageConfig] = TypeAdapter(StorageConfig)

    def model_at(data: Mapping[str, Any], loc: KeyPath) -> type[BaseModel] | None:
        return factory.model_at(data, loc)

    return _validate_entries("storage", section, adapter, model_at, diagnostics)


def run_settings_of(section: JsonValue, diagnostics: Diagnostics) -> RunSettings:
    """The `run:` section."""
    data = section if isinstance(section, dict) else {}
    found = validate_data(
        TypeAdapter(RunSettings), data, ("run",), lambda loc: None if loc else RunSettings, diagnostics
    )
    return found or RunSettings()


def _validate_entries(
    group: str, section: JsonValue, adapter: TypeAdapter[T], model_at: Any, diagnostics: Diagnostics
) -> dict[str, T]:
    found: dict[str, T] = {}
    entries = section if isinstance(section, dict) else {}
    nameless = isinstance(entries.get(_DISCRIMINATORS[group]), str)
    for name, data in entries.items():
        path = (group, name)
        if not isinstance(data, dict):
            if nameless and name == _DISCRIMINATORS[group]:
                todo = "write a name of your own above the fields, and indent them below it"
                diagnostics.add_at(path, f"'{name}' stands where a name is expected", todo=todo)
                if (location := diagnostics.provenance.location(path)) and location.file:
                    # Its file is mostly called as it should be: that nothing has this name is no second mistake.
                    diagnostics.mark_reported((group, location.file.stem))
            elif data is None or not nameless:
                diagnostics.add_at(path, no_fields(name, data), todo="write its fields below it, indented")
            diagnostics.mark_reported(path)
            continue
        resolved = data if data.get("type") in _CLOUD_STORAGE_TYPES else with_absolute_paths(data, path, diagnostics)
        value = validate_data(adapter, resolved, path, lambda loc, data=resolved: model_at(data, loc), diagnostics)
        if value is None:
            diagnostics.mark_reported(path)
        else:
            found[name] = value
    return found


def no_fields(name: str, data: JsonValue) -> str:
    """What is wrong where an entry holds something else than its fields."""
    if data in (None, ""):
        return f"'{name}' is empty"
    return f"'{name}' has {'a list' if isinstance(data, list) else 'a value'} where its fields belong"


def with_absolute_paths(data: Mapping[str, JsonValue], path: KeyPath, diagnostics: Diagnostics) -> dict[str, JsonValue]:
    """`data` with each `path` made absolute; a relative one starts at the config folder of the file that sets it."""
    resolved: dict[str, JsonValue] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            is_in_bucket = key == "kept_in" or value.get("type") in _CLOUD_STORAGE_TYPES
            resolved[key] = value if is_in_bucket else with_absolute_paths(value, (*path, key), diagnostics)
        elif key == "path" and isinstance(value, str) and value.startswith(BUCKET_URL_PREFIX):
            resolved[key] = value
        elif key in ("path", "attachments") and isinstance(value, str):
            resolved[key] = str(_absolute(value, (*path, key), diagnostics))
        elif key == "dataset" and isinstance(value, str):
            resolved[key] = _dataset(value, _absolute(value, (*path, key), diagnostics))
        else:
            resolved[key] = value
    return resolved


def _dataset(text: str, folder: Path) -> str:
    """The folder of a dataset on this machine; any other text unchanged, as the name of one on the hub."""
    return str(folder) if text.startswith((".", "/", "~")) or is_folder(folder) else text


def _absolute(text: str, path: KeyPath, diagnostics: Diagnostics) -> Path:
    location = diagnostics.provenance.location(path)
    # A group's file is one folder below its config folder; a primary file is in it. The folder's name shows which.
    folder = Path.cwd()
    if location and location.file:
        parent = location.file.parent
        folder = parent.parent if parent.name in ("storage", "models", "flows", "run", "llms", "agents") else parent
    return (folder / expanded(Path(text))).absolute()


def config_section(config: Mapping[str, JsonValue], name: str) -> dict[str, JsonValue]:
    """A section of the configuration as a mapping; empty when the section is absent or not a mapping."""
    return cast("dict[str, JsonValue]", found) if isinstance(found := config.get(name), dict) else {}
