"""Finds names that two packages give: which of the two is meant, nobody could tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from agents.base.entry_points import OUR_PACKAGE, offers
from agents.base.registry import ENTRY_POINT_GROUP as AGENT_ENTRY_POINTS
from agents.safety.yaml_limits import YamlLimitExceeded
from agents.safety.yaml_reader import compose_yaml
from agents.tools.registry import ENTRY_POINT_GROUP as TOOL_ENTRY_POINTS
from agents.tools.registry import load_tool
from contract.errors import Problem
from contract.tools import CANCEL_RUN, READ_RUN, RUN_AGENT, START_FLOW, WATCH_RUN, is_name_of_ours
from flows.config.folders import MULTI_CHOICE_GROUPS, TEXT_FOLDERS, package_config_folder
from flows.config.plugins import CONFIG_ENTRY_POINTS, READER_ENTRY_POINTS, config_plugins

_DEFINING_GROUPS = frozenset(MULTI_CHOICE_GROUPS) - {"flows"}
"""Groups whose files define names of their own, several in one."""
_NOUNS = {"flows": "flow", "models": "model", "criteria": "criterion", "prompts": "prompt", "corpora": "corpus"}
_ENTRY_POINTS = {"agent": AGENT_ENTRY_POINTS, "tool": TOOL_ENTRY_POINTS, "reader": READER_ENTRY_POINTS}
_UNINSTALL = "uninstall one of the packages, or ask its author for another name"


def plugin_problems() -> list[Problem]:
    """Every mistake of installed plugins: two packages with one name, a folder that is not there."""
    return [*_entry_point_problems(), *_published_problems(), *_folder_problems(), *_name_problems()]


def _entry_point_problems() -> Iterator[Problem]:
    for noun, group in _ENTRY_POINTS.items():
        for name, found in offers(group).items():
            if len(found) > 1:
                yield _clash(noun, name, [one.from_package for one in found])


def _published_problems() -> Iterator[Problem]:
    """Tools that the MCP server would show under a name of ours, so that a client would ask the wrong one."""
    for name, found in offers(TOOL_ENTRY_POINTS).items():
        if is_name_of_ours(name) and _is_published(name):
            ours = f"{RUN_AGENT}<agent>, {START_FLOW}<flow>, {WATCH_RUN}, {READ_RUN} and {CANCEL_RUN}"
            what = f"{found[0].from_package} publishes a tool '{name}', but {ours} are names of {OUR_PACKAGE}"
            todo = f"uninstall {found[0].package}, or ask its author for another name"
            yield Problem("the installed packages", what, todo=todo)


def _is_published(name: str) -> bool:
    # A tool that cannot be loaded is not published; the list and the check of a step that names it say why.
    try:
        return load_tool(name).published
    except Exception:  # another package's tool may fail in any way while it is imported
        return False


def _folder_problems() -> Iterator[Problem]:
    for plugin in config_plugins():
        if plugin.folder is None:
            what = f"it names {plugin.value} as its config folder ({CONFIG_ENTRY_POINTS}), which is not there"
            yield Problem(f"the package {plugin.from_package}", what, todo="install the package again, or uninstall it")


def _name_problems() -> Iterator[Problem]:
    plugins = [plugin for plugin in config_plugins() if plugin.folder]
    if not plugins:
        return
    owners = dict[tuple[str, str], list[str]]()
    for owner, folder in [(OUR_PACKAGE, package_config_folder()), *((one.from_package, one.folder) for one in plugins)]:
        for name in set(_names_in(folder)) if folder else ():
            owners.setdefault(name, []).append(owner)
    for (group, name), found in sorted(owners.items()):
        if len(found) > 1:
            yield _clash(_NOUNS.get(group, group), name, found)


def _names_in(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        group, name = path.relative_to(folder).parts[0], path.relative_to(folder)
        if group in TEXT_FOLDERS:
            if path.stem != "README":
                yield group, name.relative_to(group).with_suffix("").as_posix()
        elif path.suffix == ".yaml" and group in _DEFINING_GROUPS:
            yield from ((group, defined) for defined in _defined_names(path))
        elif path.suffix == ".yaml":
            yield (group, path.stem) if len(name.parts) > 1 else ("file", path.name)


def _defined_names(path: Path) -> Iterator[str]:
    # A broken file is reported where it is merged.
    try:
        text = path.read_text(encoding="utf-8-sig")
        root = compose_yaml(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, YamlLimitExceeded):
        return
    if isinstance(root, yaml.MappingNode):
        yield from (str(key.value) for key, _ in root.value if key.value != "defaults")


def _clash(noun: str, name: str, packages: list[str]) -> Problem:
    article = "an" if noun[0] in "aeiou" else "a"
    what = f"{' and '.join(packages)} each bring {article} {noun} '{name}'"
    return Problem("the installed packages", what, todo=_UNINSTALL)
