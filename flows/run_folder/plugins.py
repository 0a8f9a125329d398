"""Names the installed packages that a run used: those that its flow, agents, tools, models and texts come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agents.base.entry_points import OUR_PACKAGE, offers
from agents.base.registry import ENTRY_POINT_GROUP as AGENT_ENTRY_POINTS
from agents.tools.registry import ENTRY_POINT_GROUP as TOOL_ENTRY_POINTS
from contract.storage import PluginStorage
from flows.check.sources import source_of
from flows.config.plugins import READER_ENTRY_POINTS, plugin_of
from flows.run_folder.texts import TextFile
from flows.spec.nodes import steps_of
from flows.spec.study import Study
from flows.spec.tool_registry import server_of, used_tools


def used_plugins(study: Study, texts: tuple[TextFile, ...]) -> dict[str, str]:
    """Package -> version, for each plugin that the run used; ours is not among them."""
    found = dict(_of_entry_points(study))
    for path in (*_config_files(study), *(text.path for text in texts)):
        if plugin := plugin_of(path):
            found[plugin.package] = plugin.version
    return dict(sorted(found.items()))


def _of_entry_points(study: Study) -> Iterator[tuple[str, str]]:
    used = {AGENT_ENTRY_POINTS: [step.agent for step in steps_of(study.flow).values()]}
    used[TOOL_ENTRY_POINTS] = used_tools(study.flow)
    sources = [source_of(found) for name in _storages(study) if (found := study.storage.get(name))]
    used[READER_ENTRY_POINTS] = [source.reader for source in sources if isinstance(source, PluginStorage)]
    for group, names in used.items():
        for one in (found for name in names for found in offers(group).get(name, ())):
            if one.package != OUR_PACKAGE:
                yield one.package, one.version


def _storages(study: Study) -> tuple[str, ...]:
    return (study.flow.records, study.flow.corpus or "", *study.flow.save)


def _config_files(study: Study) -> Iterator[Path]:
    """The files that set anything of the flow, and of the models, storages and tool servers that it uses."""
    used = {("flows", study.flow.name)}
    used |= {("models", name) for name in study.used_models}
    used |= {("storage", name) for name in _storages(study)}
    used |= {("tools", server) for tool in used_tools(study.flow) if (server := server_of(tool))}
    for path, location in study.provenance.locations.items():
        if path[:2] in used and location.file:
            yield location.file
