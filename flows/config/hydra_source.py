"""Gives Hydra the files of a config folder, read as the rest of a study is: with libyaml, and within limits.

Hydra's own source reads every file with PyYAML's Python reader, twice for each merge; that took half of the time of a
`check`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
from omegaconf import OmegaConf
from omegaconf._utils import get_yaml_loader

from agents.safety.paths import is_folder, is_there
from agents.safety.yaml_reader import LOADER, read_yaml

_HEADER_CHARACTERS = 512
"""How far into a file Hydra looks for its `# @package` line."""


class ConfigLoader(LOADER):
    """Reads scalars as OmegaConf does: `1e3` is a number, and a date is text."""

    yaml_implicit_resolvers = get_yaml_loader().yaml_implicit_resolvers


class StudySource(ConfigSource):
    """The config files below one folder, by Hydra's names: `flows/osb` for `flows/osb.yaml`."""

    @staticmethod
    def scheme() -> str:
        """The scheme of the addresses in Hydra's search path."""
        return "study"

    def load_config(self, config_path: str) -> ConfigResult:
        """The file's content. Raises ConfigLoadError where there is none."""
        path = self._file(config_path)
        if not is_there(path) or not path.is_file():
            raise ConfigLoadError(f"Config not found : {path}")
        text = path.read_text(encoding="utf-8")
        content: Any = read_yaml(text, ConfigLoader)
        header = ConfigSource._get_header_dict(text[:_HEADER_CHARACTERS])
        config = OmegaConf.create({} if content is None else content)
        return ConfigResult(self.provider, self.full_path(), config, header)

    def available(self) -> bool:
        """Whether the folder exists."""
        return self.is_group("")

    def is_group(self, config_path: str) -> bool:
        """Whether that is a folder below this one."""
        return is_folder(Path(self.path) / config_path)

    def is_config(self, config_path: str) -> bool:
        """Whether that is a file below this folder."""
        path = self._file(config_path)
        return is_there(path) and path.is_file()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """The names of what lies in a folder below this one."""
        files: list[str] = []
        for path in sorted((Path(self.path) / config_path).iterdir()):
            self._list_add_result(files, f"{config_path}/{path.name}", path.name, results_filter)
        return sorted(set(files))

    def _file(self, config_path: str) -> Path:
        return Path(self.path) / self._normalize_file_name(config_path)


def register_study_source() -> None:
    """Makes the scheme known to Hydra in this process."""
    Plugins.instance().register(StudySource)
