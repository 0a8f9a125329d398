"""Lists all flows, agents, tools, models, roles, storages, criteria and prompts, by name.

Reads YAML and package metadata, and imports tools but no agents, so that `python -m flows list` answers at once. A
broken file is listed with its mistake instead of a description.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import yaml

from agents.base.entry_points import OUR_PACKAGE, Offer, offers
from agents.safety.paths import text_file_problem
from agents.safety.yaml_mistakes import describe_yaml_error
from agents.safety.yaml_reader import UNREADABLE_YAML, read_yaml
from agents.tools.registry import ENTRY_POINT_GROUP as TOOL_ENTRY_POINTS
from agents.tools.registry import load_tool
from contract.where import where_words
from flows.config.folders import display_path, find_config, group_choices, package_config_folder, search_folders
from flows.config.plugins import READER_ENTRY_POINTS, plugin_of

_TEXT_SUFFIXES = (".md", ".txt", ".j2", ".jinja2")
_AGENT_ENTRY_POINTS = "buttermilk.agents"


@dataclass(frozen=True)
class CatalogueEntry:
    """One thing that a study can name."""

    kind: str
    """flow, agent, tool, reader, tool server, model, llms, storage, criterion or prompt."""
    name: str
    about: str
    """A description of one line; empty when there is none."""
    where: str
    """The file, or the package and class of an agent, or function of a tool."""
    package: str = ""
    """Name and version of the package that brings it; empty for what is in the study's own folder."""


def list_all(config_dir: Path | None = None) -> list[CatalogueEntry]:
    """Everything that a study may name, by kind and then name; the study's own folder wins over the package's."""
    folders = search_folders(config_dir)
    return [
        *_flows(folders),
        *_offered("agent", _AGENT_ENTRY_POINTS),
        *_tools(),
        *_offered("reader", READER_ENTRY_POINTS),
        *_definitions(folders, "tools", "tool server", ("description", "url", "command")),
        *_definitions(folders, "models", "model", ("kind", "provider", "model_id")),
        *_roles(folders),
        *_definitions(folders, "storage", "storage", ("label", "type")),
        *_text_entries(folders, "criteria", "criterion"),
        *_text_entries(folders, "prompts", "prompt"),
    ]


def _entry(kind: str, name: str, about: str, path: Path) -> CatalogueEntry:
    if plugin := plugin_of(path):
        package = plugin.from_package
    else:
        package = f"{OUR_PACKAGE} {version(OUR_PACKAGE)}" if path.is_relative_to(package_config_folder()) else ""
    return CatalogueEntry(kind, name, about, display_path(path), package)


def _flows(folders: Sequence[Path]) -> list[CatalogueEntry]:
    found: list[CatalogueEntry] = []
    for name in sorted(group_choices(folders, "flows")):
        path = cast("Path", find_config(folders, f"flows/{name}"))
        content, wrong = _read_yaml(path)
        about = " ".join([str(content.get("description", "")), *_documents_searched(content.get("steps"))])
        found.append(_entry("flow", name, wrong or about, path))
    return found


def _documents_searched(steps: Any) -> Iterator[str]:
    """Which documents the steps of a flow's YAML search, where they say so."""
    for step in cast("dict[str, Any]", steps).values() if isinstance(steps, dict) else ():
        if not isinstance(step, dict):
            continue
        node = cast("dict[str, Any]", step)
        yield from _documents_searched(node.get("loop"))
        parameters = node.get("parameters")
        where: Any = cast("dict[str, Any]", parameters).get("where") if isinstance(parameters, dict) else None
        if node.get("agent") == "search" and isinstance(where, dict):
            yield f"[only documents where {where_words(cast('dict[str, Any]', where))}]"


def _offered(kind: str, group: str) -> list[CatalogueEntry]:
    return [
        CatalogueEntry(kind, name, "", one.entry.value, one.from_package)
        for name, found in offers(group).items()
        for one in found
    ]


def _tools() -> list[CatalogueEntry]:
    """The tools, each with its description and what it may do."""
    return [_tool(name, one) for name, found in offers(TOOL_ENTRY_POINTS).items() for one in found[:1]]


def _tool(name: str, offer: Offer) -> CatalogueEntry:
    where, package = offer.entry.value, offer.from_package
    try:
        definition = load_tool(name).definition
    except Exception as error:  # another package's tool may fail in any way while it is imported
        return CatalogueEntry("tool", name, f"cannot be loaded: {type(error).__name__}: {error}", where, package)
    permissions = f" [{', '.join(definition.permissions)}]" if definition.permissions else ""
    return CatalogueEntry("tool", name, f"{definition.description}{permissions}", where, package)


def _definitions(folders: Sequence[Path], group: str, kind: str, fields: Sequence[str]) -> list[CatalogueEntry]:
    """Entries of which one file may define several; a later file's definition replaces an earlier one's."""
    found: dict[str, CatalogueEntry] = {}
    for choice in group_choices(folders, group):
        path = cast("Path", find_config(folders, f"{group}/{choice}"))
        content, wrong = _read_yaml(path)
        if wrong:
            found[choice] = _entry(kind, choice, wrong, path)
        for name, about in content.items():
            words = (
                [str(cast("dict[str, Any]", about).get(key, "")) for key in fields] if isinstance(about, dict) else []
            )
            found[name] = _entry(kind, name, " ".join(filter(None, words)), path)
    return [found[name] for name in sorted(found)]


def _roles(folders: Sequence[Path]) -> list[CatalogueEntry]:
    found: list[CatalogueEntry] = []
    for name in sorted(group_choices(folders, "llms")):
        path = cast("Path", find_config(folders, f"llms/{name}"))
        content, wrong = _read_yaml(path)
        models = sorted({model for value in content.values() if value for model in _model_names(value)})
        found.append(_entry("llms", name, wrong or ", ".join(models), path))
    return found


def _model_names(value: Any) -> list[str]:
    return [str(item) for item in cast("list[Any]", value)] if isinstance(value, list) else [str(value)]


def _text_entries(folders: Sequence[Path], group: str, kind: str) -> list[CatalogueEntry]:
    found: dict[str, CatalogueEntry] = {}
    for folder in reversed(folders):
        for path in sorted((folder / group).rglob("*")):
            if path.suffix in _TEXT_SUFFIXES and path.exists() and not path.is_dir():
                name = path.relative_to(folder / group).with_suffix("").as_posix()
                about = text_file_problem(path, folder) or _title(path)
                found[name] = _entry(kind, name, about, path)
    return [found[name] for name in sorted(found)]


def _title(path: Path) -> str:
    """The title in the text's front matter, or its first line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        return "cannot be read"
    for line in lines[:20]:
        if line.startswith("title:"):
            return line.partition(":")[2].strip().strip("\"'")
    return next((line.strip("# ") for line in lines if line.strip() and line != "---"), "")


def _read_yaml(path: Path) -> tuple[dict[str, Any], str | None]:
    if problem := text_file_problem(path, path.parent.parent):
        return {}, problem
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return {}, "cannot be read"
    try:
        loaded = read_yaml(text)
    except yaml.YAMLError as error:
        return {}, f"{describe_yaml_error(text, error).what}; `check` shows the line"
    except UNREADABLE_YAML:
        return {}, "not YAML; `check` shows the line"
    if not isinstance(loaded, dict):
        return {}, "empty" if loaded is None else "not a list of `name: value` lines"
    return {str(key): value for key, value in cast("dict[Any, Any]", loaded).items() if key != "defaults"}, None
