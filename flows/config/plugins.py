"""Config folders of installed packages: a plugin's flows, criteria, prompts, models and storages.

A package names its folder in pyproject.toml, as `package` or `package:folder`:

    [project.entry-points."buttermilk.conf"]
    my_plugin = "my_plugin:conf"
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from agents.base.entry_points import Offer, offers

CONFIG_ENTRY_POINTS = "buttermilk.conf"
READER_ENTRY_POINTS = "buttermilk.storages"
"""Functions that read records; `flows.storage.plugin_reader` says what they look like."""


@dataclass(frozen=True)
class ConfigPlugin:
    """The config folder of an installed package; `folder` is None where it is not to be found."""

    package: str
    version: str
    value: str
    folder: Path | None

    @property
    def from_package(self) -> str:
        """Name and version of the package."""
        return f"{self.package} {self.version}"


@cache
def config_plugins() -> tuple[ConfigPlugin, ...]:
    """The config folders of all installed packages, in the order of the packages' names. Imports none of them."""
    every = [one for found in offers(CONFIG_ENTRY_POINTS).values() for one in found]
    return tuple(_config_plugin(one) for one in sorted(every, key=lambda one: (one.package, one.entry.name)))


def _config_plugin(offer: Offer) -> ConfigPlugin:
    return ConfigPlugin(offer.package, offer.version, offer.entry.value, _folder_of(offer.entry.value))


def _folder_of(value: str) -> Path | None:
    package, _, below = value.partition(":")
    top, *rest = package.strip().split(".")
    try:
        # Of the topmost package only, since a search for one below it would import those above.
        found = find_spec(top)
    except (ImportError, ValueError):
        return None
    for place in (found and found.submodule_search_locations) or ():
        folder = Path(place).joinpath(*rest, below.strip()).resolve()
        if folder.is_dir() and folder.is_relative_to(Path(place).resolve()):
            return folder
    return None


def plugin_of(path: Path) -> ConfigPlugin | None:
    """The plugin whose config folder holds that file; None for files of a study, and for ours."""
    return next((one for one in config_plugins() if one.folder and path.is_relative_to(one.folder)), None)
