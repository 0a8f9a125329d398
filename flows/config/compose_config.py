"""Composes the configuration: finds files, sorts arguments, merges layers and records where each value was set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from contract.base import JsonValue
from contract.errors import StudyError
from flows.config.arguments import Arguments, classify_arguments
from flows.config.diagnostics import Diagnostics, closest_name, display_argument, there_are
from flows.config.folders import (
    MULTI_CHOICE_GROUPS,
    config_groups,
    display_path,
    find_config,
    group_choices,
    misnamed_yaml,
    package_config_folder,
    search_folders,
)
from flows.config.named_folder import config_dir_problem
from flows.config.own_config import Allowed, read_allowed
from flows.config.plugin_names import plugin_problems
from flows.config.section_names import report_misspelt_sections
from flows.config.stray_words import flow_elsewhere
from flows.config.unnamed_flow import unnamed_flow
from flows.config.yaml_documents import YamlDocument, read_documents

if TYPE_CHECKING:
    from flows.config.hydra_merge import ConfigSources, Layer

_TOP_LEVEL_KEYS = frozenset({"bm", "hydra", "defaults"})


@dataclass(frozen=True)
class ComposedConfig:
    """The merged configuration as plain JSON, and the flows that were asked for."""

    config: dict[str, JsonValue]
    flows: tuple[str, ...]
    folders: tuple[Path, ...]
    request: dict[str, str]
    complete: bool
    """False when a flow that was asked for could not be read at all."""
    config_names: frozenset[str]
    """The configuration's own names: groups and sections."""
    documents: Mapping[Path, YamlDocument]
    """The files of the config folders."""
    allowed: Allowed
    """What the user lets studies reach."""
    roles_choice: str | None = None
    """The argument that chose models for all roles, such as `llms=lite`; None where none did."""
    chosen_storage: str | None = None
    """The file of storages that was chosen in place of all others, as with `storage=ferries`; None where none was."""


def compose_config(
    flow_names: Sequence[str] | None, overrides: Sequence[str], config_dir: Path | None, diagnostics: Diagnostics
) -> ComposedConfig:
    """Returns the merged configuration. Adds mistakes in files and arguments to `diagnostics`.

    None as `flow_names` asks for no flow, only for what is beside the flows; then naming none is no mistake.
    Raises StudyError when nothing can be composed at all.
    """
    from flows.config.defaults_lists import with_checked_defaults
    from flows.config.environment_access import without_environment
    from flows.config.hydra_merge import merge_layers
    from flows.config.resolve import resolve_config

    if problem := config_dir_problem(config_dir):
        raise StudyError([problem])
    folders = search_folders(config_dir)
    for problem in plugin_problems():
        diagnostics.add(problem.where, problem.what, todo=problem.todo)
    allowed = read_allowed(diagnostics)
    documents = with_checked_defaults(read_documents(folders), allowed.variables)
    config_names = config_groups(folders)
    arguments = classify_arguments(overrides, config_names, _top_level_keys(documents), folders, diagnostics)
    sources = _config_sources(flow_names or (), arguments, folders, documents)
    _stub_broken_files(sources)
    _drop_unknown_choices(sources.multi_choices, arguments, folders, config_dir, diagnostics)
    if flow_names is not None and not sources.multi_choices["flows"] and not diagnostics.problems:
        sources.multi_choices["flows"] = unnamed_flow(arguments.request, folders, config_dir, diagnostics)
    typed = [*_choice_overrides(arguments, sources, diagnostics), *arguments.overrides]
    merged, layers, applied_overrides = merge_layers(sources, typed, diagnostics)
    _refuse_unread_layers(layers, sources, diagnostics)
    _record_provenance(layers, applied_overrides, sources, diagnostics)
    _report_documents([layer.name for layer in layers], sources, diagnostics)
    report_misspelt_sections(map(str, merged), documents.values(), applied_overrides, diagnostics)
    merged = without_environment(merged, allowed.variables, diagnostics)
    config = resolve_config(_with_bm_llms(merged, applied_overrides, diagnostics), diagnostics)
    asked = tuple(name for name in sources.multi_choices["flows"] if not diagnostics.is_reported(("flows", name)))
    complete = len(asked) == len(sources.multi_choices["flows"])
    names = config_names | _TOP_LEVEL_KEYS
    roles = next((choice.text for choice in reversed(arguments.choices) if choice.group == "llms"), None)
    chosen = arguments.single_name("storage")
    return ComposedConfig(config, asked, folders, arguments.request, complete, names, documents, allowed, roles, chosen)


def _config_sources(
    flow_names: Sequence[str], arguments: Arguments, folders: tuple[Path, ...], documents: Mapping[Path, YamlDocument]
) -> ConfigSources:
    from flows.config.hydra_merge import ConfigSources, declared_choices

    sources = ConfigSources(folders, documents, {})
    primary = sources.document("config")
    for group in MULTI_CHOICE_GROUPS:
        sources.multi_choices[group] = arguments.chosen_names(group, declared_choices(primary, group))
    sources.multi_choices["flows"] = list(dict.fromkeys([*flow_names, *sources.multi_choices["flows"]]))
    for group in ("models", "storage", "tools"):
        sources.multi_choices[group] = sources.multi_choices[group] or group_choices(folders, group)
    return sources


def _refuse_unread_layers(layers: Sequence[Layer], sources: ConfigSources, diagnostics: Diagnostics) -> None:
    """Raises StudyError when Hydra merged a file that is none of the documents which were read and checked."""
    for layer in layers:
        is_ours = layer.name in sources.stubs or layer.name in ("config", "local")
        if not is_ours and sources.document(layer.name) is None:
            where = f"the configuration '{layer.name}'"
            diagnostics.add(where, "this is not a file of a config folder", todo="put the file itself into one")
            diagnostics.raise_if_any()


def _record_provenance(
    layers: Sequence[Layer], applied_overrides: Sequence[str], sources: ConfigSources, diagnostics: Diagnostics
) -> None:
    """Fills the provenance: first the files, in the order in which Hydra merged them, then the command line."""
    for layer in layers:
        document = sources.document(layer.name)
        if document and document.root and layer.name not in sources.stubs:
            diagnostics.provenance.add_file(document.path, document.root, layer.package)
    for text in applied_overrides:
        key = text.partition("=")[0]
        if not key.startswith("~") and "@" not in key and "." in key:
            diagnostics.provenance.add_argument(tuple(key.lstrip("+").split(".")), display_argument(text))


def _top_level_keys(documents: dict[Path, YamlDocument]) -> set[str]:
    found = set(_TOP_LEVEL_KEYS)
    for path, document in documents.items():
        if path.stem in ("config", "local") and document.root:
            found |= {str(key.value) for key, _ in document.root.value}
    return found


def _stub_broken_files(sources: ConfigSources) -> None:
    for path, document in sources.documents.items():
        folder = next(folder for folder in sources.folders if path.is_relative_to(folder))
        name = path.relative_to(folder).with_suffix("").as_posix()
        if (document.broken or document.empty) and find_config(sources.folders, name) == path and name != "config":
            fallback = package_config_folder() / "llms/embedded.yaml" if name.startswith("llms/") else None
            sources.stubs[name] = fallback.read_text(encoding="utf-8") if fallback else "{}\n"


def _drop_unknown_choices(
    chosen: dict[str, list[str]],
    arguments: Arguments,
    folders: Sequence[Path],
    own: Path | None,
    diagnostics: Diagnostics,
) -> None:
    for group, names in chosen.items():
        for name in list(names):
            if find_config(folders, f"{group}/{name}") is None:
                known = group_choices(folders, group)
                where = f"command line: {display_argument(arguments.text_of(group, name) or name)}"
                what = f"there is no flow '{name}'" if group == "flows" else f"there is no '{name}' in {group}"
                if group == "flows" and (line := flow_elsewhere(name, known, own)):
                    diagnostics.add(where, what, todo=line)
                    names.remove(name)
                    continue
                other = [path for path in misnamed_yaml(folders) if (path.parent.name, path.stem) == (group, name)]
                todo = f"rename {display_path(other[0])} to .yaml" if other else there_are(known)
                diagnostics.add(where, what, nearest=None if other else closest_name(name, known), todo=todo)
                names.remove(name)


def _choice_overrides(arguments: Arguments, sources: ConfigSources, diagnostics: Diagnostics) -> list[str]:
    """The choices in groups that allow one, in Hydra's form; unknown ones are reported and left out."""
    slots = _defaults_keys(sources.document("config"))
    overrides: list[str] = []
    for choice in arguments.choices:
        if choice.group in MULTI_CHOICE_GROUPS and choice.package is None:
            continue
        known = group_choices(sources.folders, choice.group)
        unknown = [n for n in choice.names if n != "null" and not find_config(sources.folders, f"{choice.group}/{n}")]
        where = f"command line: {display_argument(choice.text)}"
        chosen = [name for name in choice.names if name != "null"]
        if not chosen:
            if choice.package is None:
                todo = there_are(known)
                diagnostics.add(where, f"a name is missing: which {choice.group} should be used", todo=todo)
            continue
        for name in unknown:
            what = f"there is no '{name}' in {choice.group}"
            diagnostics.add(where, what, nearest=closest_name(name, known), todo=there_are(known))
        if not unknown:
            key = choice.text.partition("=")[0].lstrip("+")
            # Plain Hydra refuses a plus before a group that the defaults list already has.
            overrides.append(choice.text.lstrip("+") if key in slots else choice.text)
    return overrides


def _defaults_keys(primary: YamlDocument | None) -> set[str]:
    """The groups, with their packages, that stand in the defaults list of the primary config."""
    defaults = primary.value().get("defaults") if primary and not primary.broken else None
    defaults_list = cast("list[Any]", defaults) if isinstance(defaults, list) else []
    entries = [cast("dict[str, Any]", entry) for entry in defaults_list if isinstance(entry, dict)]
    return {key for entry in entries for key in entry}


def _report_documents(used: Sequence[str], sources: ConfigSources, diagnostics: Diagnostics) -> None:
    """Reports broken or empty files that are used here; for those that are not, adds a notice only."""
    for path, document in sources.documents.items():
        folder = next(folder for folder in sources.folders if path.is_relative_to(folder))
        name = path.relative_to(folder).with_suffix("").as_posix()
        if not (document.broken or document.empty) or find_config(sources.folders, name) != path:
            continue
        group = name.partition("/")[0]
        if name not in (*used, "config"):
            diagnostics.add_notice(
                f"{display_path(path)} is not used here; it has mistakes in it"
                if document.broken
                else f"{display_path(path)} is empty"
            )
            continue
        diagnostics.mark_reported(tuple(name.split("/")) if group == "flows" else (group,))
        for problem in document.problems:
            diagnostics.add(problem.where, problem.what, nearest=problem.nearest, todo=problem.todo)
        if document.empty and name in ("config", "local"):
            diagnostics.add_notice(f"{display_path(path)} is empty")
        elif document.empty:
            diagnostics.add(
                f"{display_path(path)}:1", "the file is empty", todo="write something in it, or choose another"
            )


def _with_bm_llms(merged: Any, applied_overrides: Sequence[str], diagnostics: Diagnostics) -> Any:
    """Lays `bm.llms` over `llms`; values that the command line sets in `llms` itself stay."""
    from omegaconf import OmegaConf

    OmegaConf.set_struct(merged, False)
    second: Any = OmegaConf.select(merged, "bm.llms")
    if second:
        typed = {key: merged.llms[key] for text in applied_overrides if (key := _llms_key(text)) and key in merged.llms}
        merged.llms = OmegaConf.merge(merged.llms, second, typed)
        diagnostics.provenance.copy_below(("bm", "llms"), ("llms",), overwrite=True)
        for text in applied_overrides:
            if key := _llms_key(text):
                diagnostics.provenance.add_argument(("llms", key), display_argument(text))
    return merged


def _llms_key(text: str) -> str | None:
    key = text.partition("=")[0].lstrip("+")
    return key.removeprefix("llms.") if key.startswith("llms.") else None
