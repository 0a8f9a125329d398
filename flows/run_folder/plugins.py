"""Names the installed packages that a run used: those that its flow, agents, models, storages and texts come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from agents.base.entry_points import OUR_PACKAGE, offers
from agents.base.registry import ENTRY_POINT_GROUP
from flows.config.plugins import plugin_of
from flows.run_folder.texts import TextFile
from flows.spec.nodes import steps_of
from flows.spec.study import Study


def used_plugins(study: Study, texts: tuple[TextFile, ...]) -> dict[str, str]:
    """Package -> version, for each plugin that the run used; ours is not among them."""
    found = dict(_of_agents(study))
    for path in (*_config_files(study), *(text.path for text in texts)):
        if plugin := plugin_of(path):
            found[plugin.package] = plugin.version
    return dict(sorted(found.items()))


def _of_agents(study: Study) -> Iterator[tuple[str, str]]:
    known = offers(ENTRY_POINT_GROUP)
    for step in steps_of(study.flow).values():
        for one in known.get(step.agent, ()):
            if one.package != OUR_PACKAGE:
                yield one.package, one.version


def _config_files(study: Study) -> Iterator[Path]:
    """The files that set anything of the flow, and of the models and storages that it uses."""
    used = {("flows", study.flow.name)}
    used |= {("models", name) for name in study.used_models}
    used |= {("storage", name) for name in (study.flow.records, study.flow.corpus or "", *study.flow.save)}
    for path, location in study.provenance.locations.items():
        if path[:2] in used and location.file:
            yield location.file
