"""The configuration as one plain JSON object: files found, arguments sorted, layers merged, places kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from contract.base import JsonValue
from flows.config.arguments import Arguments, sort_arguments
from flows.config.diagnostics import Findings, argument_text, listed, nearest
from flows.config.folders import LISTED, choices, find, groups, misnamed_yaml, package_conf, search_folders, shown
from flows.config.yaml_documents import Document, read_folders

if TYPE_CHECKING:
    from flows.config.hydra_merge import Layer, Sources

_TOP_LEVEL = frozenset({"bm", "hydra", "defaults"})


@dataclass(frozen=True)
class Composed:
    """The merged configuration as plain JSON, and which flows of it were asked for."""

    config: dict[str, JsonValue]
    flows: tuple[str, ...]
    folders: tuple[Path, ...]
    request: dict[str, str]
    complete: bool
    """False when a flow that was asked for could not be read at all."""
    words: frozenset[str]
    """The configuration's own names: groups and sections."""


def compose_config(
    flow_names: Sequence[str], overrides: Sequence[str], config_dir: Path | None, findings: Findings
) -> Composed:
    """The merged configuration. What is wrong with files and arguments is put into `findings`.

    Raises StudyError when nothing can be composed at all.
    """
    from flows.config.hydra_merge import merge
    from flows.config.resolve import resolved

    folders = _folders(config_dir, findings)
    documents = read_folders(folders)
    config_names = groups(folders)
    arguments = sort_arguments(overrides, config_names, _top_level(documents), findings)
    sources = _sources(flow_names, arguments, folders, documents)
    _stand_in_for_broken(sources)
    _drop_unknown(sources.listed, arguments, folders, findings)
    if not sources.listed["flows"] and not findings.problems:
        there = listed(choices(folders, "flows"))
        findings.say("command line", "no flow is named", todo=f"write +flows=[osb]; there are {there}")
    typed = [*_choice_overrides(arguments, sources, findings), *arguments.overrides]
    merged, layers, applied_overrides = merge(sources, typed, findings)
    _keep_places(layers, applied_overrides, sources, findings)
    _tell_documents([layer.name for layer in layers], sources, findings)
    config = resolved(_with_second_choice(merged, applied_overrides, findings), findings)
    asked = tuple(name for name in sources.listed["flows"] if not findings.is_spoilt(("flows", name)))
    complete = len(asked) == len(sources.listed["flows"])
    return Composed(config, asked, folders, arguments.request, complete, config_names | _TOP_LEVEL)


def _sources(
    flow_names: Sequence[str], arguments: Arguments, folders: tuple[Path, ...], documents: Mapping[Path, Document]
) -> Sources:
    from flows.config.hydra_merge import Sources, declared_choices

    sources = Sources(folders, documents, {})
    primary = sources.document("config")
    for group in LISTED:
        sources.listed[group] = arguments.chosen(group, declared_choices(primary, group))
    sources.listed["flows"] = list(dict.fromkeys([*flow_names, *sources.listed["flows"]]))
    for group in ("models", "storage"):
        sources.listed[group] = sources.listed[group] or choices(folders, group)
    return sources


def _keep_places(layers: Sequence[Layer], kept: Sequence[str], sources: Sources, findings: Findings) -> None:
    """Fills the provenance: the files in the order in which Hydra merged them, then the command line."""
    for layer in layers:
        document = sources.document(layer.name)
        if document and document.root and layer.name not in sources.stubs:
            findings.provenance.add_file(document.path, document.root, layer.package)
    for text in kept:
        key = text.partition("=")[0]
        if not key.startswith("~") and "@" not in key and "." in key:
            findings.provenance.add_argument(tuple(key.lstrip("+").split(".")), argument_text(text))


def _folders(config_dir: Path | None, findings: Findings) -> tuple[Path, ...]:
    if config_dir is not None and not config_dir.expanduser().is_dir():
        exists = config_dir.expanduser().exists()
        what = "this is not a folder" if exists else "there is no such folder"
        todo = "name the folder that holds your flows/, prompts/ and so on"
        findings.say(f"command line: --config-dir {config_dir}", what, todo=todo)
        findings.raise_if_any()
    return search_folders(config_dir)


def _top_level(documents: dict[Path, Document]) -> set[str]:
    found = set(_TOP_LEVEL)
    for path, document in documents.items():
        if path.stem in ("config", "local") and document.root:
            found |= {str(key.value) for key, _ in document.root.value}
    return found


def _stand_in_for_broken(sources: Sources) -> None:
    for path, document in sources.documents.items():
        folder = next(folder for folder in sources.folders if path.is_relative_to(folder))
        name = path.relative_to(folder).with_suffix("").as_posix()
        if (document.broken or document.empty) and find(sources.folders, name) == path and name != "config":
            fallback = package_conf() / "llms/embedded.yaml" if name.startswith("llms/") else None
            sources.stubs[name] = fallback.read_text(encoding="utf-8") if fallback else "{}\n"


def _drop_unknown(
    chosen: dict[str, list[str]], arguments: Arguments, folders: Sequence[Path], findings: Findings
) -> None:
    for group, names in chosen.items():
        for name in list(names):
            if find(folders, f"{group}/{name}") is None:
                known = choices(folders, group)
                where = f"command line: {argument_text(arguments.text_of(group, name) or name)}"
                what = f"there is no flow '{name}'" if group == "flows" else f"there is no '{name}' in {group}"
                other = [path for path in misnamed_yaml(folders) if (path.parent.name, path.stem) == (group, name)]
                todo = f"rename {shown(other[0])} to .yaml" if other else f"there are {listed(known)}"
                findings.say(where, what, nearest=None if other else nearest(name, known), todo=todo)
                names.remove(name)


def _choice_overrides(arguments: Arguments, sources: Sources, findings: Findings) -> list[str]:
    """The choices in groups of one, as Hydra wants them; unknown ones are told and left out."""
    slots = _slots(sources.document("config"))
    overrides: list[str] = []
    for choice in arguments.choices:
        if choice.group in LISTED and choice.package is None:
            continue
        known = choices(sources.folders, choice.group)
        unknown = [n for n in choice.names if n != "null" and not find(sources.folders, f"{choice.group}/{n}")]
        where = f"command line: {argument_text(choice.text)}"
        chosen = [name for name in choice.names if name != "null"]
        if not chosen:
            if choice.package is None:
                todo = f"there are {listed(known)}"
                findings.say(where, f"a name is missing: what of {choice.group} is to be used", todo=todo)
            continue
        for name in unknown:
            what = f"there is no '{name}' in {choice.group}"
            findings.say(where, what, nearest=nearest(name, known), todo=f"there are {listed(known)}")
        if not unknown:
            key = choice.text.partition("=")[0].lstrip("+")
            # Plain Hydra refuses a plus before what the defaults list already has a place for.
            overrides.append(choice.text.lstrip("+") if key in slots else choice.text)
    return overrides


def _slots(primary: Document | None) -> set[str]:
    """The groups, with their packages, for which the primary config has a place."""
    defaults = primary.value().get("defaults") if primary and not primary.broken else None
    defaults_list = cast("list[Any]", defaults) if isinstance(defaults, list) else []
    entries = [cast("dict[str, Any]", entry) for entry in defaults_list if isinstance(entry, dict)]
    return {key for entry in entries for key in entry}


def _tell_documents(used: Sequence[str], sources: Sources, findings: Findings) -> None:
    """Reports broken files that matter here; those that do not are noticed only."""
    for path, document in sources.documents.items():
        folder = next(folder for folder in sources.folders if path.is_relative_to(folder))
        name = path.relative_to(folder).with_suffix("").as_posix()
        if not (document.broken or document.empty) or find(sources.folders, name) != path:
            continue
        group = name.partition("/")[0]
        if name not in (*used, "config"):
            findings.notice(
                f"{shown(path)} is not used here; it has mistakes in it"
                if document.broken
                else f"{shown(path)} is empty"
            )
            continue
        findings.spoil(tuple(name.split("/")) if group == "flows" else (group,))
        for problem in document.problems:
            findings.say(problem.where, problem.what, nearest=problem.nearest, todo=problem.todo)
        if document.empty and name in ("config", "local"):
            findings.notice(f"{shown(path)} is empty")
        elif document.empty:
            findings.say(f"{shown(path)}:1", "the file is empty", todo="write something in it, or choose another")


def _with_second_choice(merged: Any, kept: Sequence[str], findings: Findings) -> Any:
    """`bm.llms` laid over `llms`; what the command line says of `llms` itself stays."""
    from omegaconf import OmegaConf

    OmegaConf.set_struct(merged, False)
    second: Any = OmegaConf.select(merged, "bm.llms")
    if second:
        typed = {key: merged.llms[key] for text in kept if (key := _llms_key(text)) and key in merged.llms}
        merged.llms = OmegaConf.merge(merged.llms, second, typed)
        findings.provenance.copy_below(("bm", "llms"), ("llms",), over=True)
        for text in kept:
            if key := _llms_key(text):
                findings.provenance.add_argument(("llms", key), argument_text(text))
    return merged


def _llms_key(text: str) -> str | None:
    key = text.partition("=")[0].lstrip("+")
    return key.removeprefix("llms.") if key.startswith("llms.") else None
