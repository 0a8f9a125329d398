"""Finds configuration files: in the study's own folder first, then in those of plugins, then in ours."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path

from agents.safety.paths import expanded, is_folder, is_link, is_there
from flows.config.plugins import config_plugins, plugin_of

MULTI_CHOICE_GROUPS = ("flows", "models", "storage", "tools")
"""Groups of which several files may be chosen at once."""
TEXT_FOLDERS = ("prompts", "criteria", "corpora")
"""Folders that hold no configuration."""
STUDY_FOLDERS = ("criteria", "flows", "models", "prompts", "storage")
"""Folders of a study that hold what its author writes; their names are written wrong now and then."""

_UNSHOWABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069\ud800-\udfff]")


def package_config_folder() -> Path:
    """The `conf` folder that comes with the package."""
    return Path(__file__).resolve().parents[2] / "conf"


def search_folders(config_dir: Path | None) -> tuple[Path, ...]:
    """The config folders in the order in which they are searched."""
    packages = (*(plugin.folder for plugin in config_plugins() if plugin.folder), package_config_folder())
    own = expanded(config_dir).absolute() if config_dir else None
    return packages if own is None or own in packages else (own, *packages)


def is_of_package(path: Path) -> bool:
    """Whether the file is ours or a plugin's: the user has installed it, which makes it trusted, unlike a study."""
    return path.is_relative_to(package_config_folder()) or plugin_of(path) is not None


def config_groups(folders: Sequence[Path]) -> frozenset[str]:
    """Names of the config groups: folders that hold YAML."""
    return frozenset(path.parent.name for folder in folders if folder.is_dir() for path in folder.glob("*/*.yaml"))


def group_choices(folders: Sequence[Path], group: str) -> list[str]:
    """The choices of a group, the package's first, so that a study's definitions are laid over them."""
    found: dict[str, None] = {}
    for folder in filter(is_folder, reversed(folders)):
        found |= dict.fromkeys(sorted(path.stem for path in (folder / group).glob("*.yaml") if _is_entry(path)))
    return list(found)


def _is_entry(path: Path) -> bool:
    # A device or a link that leads nowhere is one, too: that it cannot be read is reported, and not passed over.
    return (path.exists() or path.is_symlink()) and not path.is_dir()


def find_config(folders: Sequence[Path], name: str) -> Path | None:
    """The first `<folder>/<name>.yaml`: a file, a folder, or a link, wherever it leads; None if there is none."""
    paths = (folder / f"{name}.yaml" for folder in folders)
    return next((path for path in paths if is_there(path) or is_link(path)), None)


def yaml_files(folder: Path) -> Iterator[Path]:
    """Every path below `folder` that ends in .yaml or .yml, sorted; those in a group that is a link, too."""
    patterns = [f"{place}*.{ending}" for ending in ("yaml", "yml") for place in ("**/", "*/")]
    yield from sorted({path for pattern in patterns for path in folder.glob(pattern)})


def misnamed_yaml(folders: Sequence[Path]) -> list[Path]:
    """Files that end in `.yml`, which Hydra ignores without a message: it reads `.yaml` only."""
    every = (path for folder in folders for pattern in ("*.yml", "*/*.yml") for path in folder.glob(pattern))
    return sorted(
        path for path in every if path.parent.name not in TEXT_FOLDERS and not path.parent.name.startswith(".")
    )


def misnamed_folders(folders: Sequence[Path]) -> list[tuple[Path, str]]:
    """Folders of a study, with files in them, that nobody reads, and the name that is nearly theirs."""
    own = [path for folder in folders if not is_of_package(folder) for path in sorted(folder.glob("*/"))]
    near = [(path, get_close_matches(path.name.lower(), STUDY_FOLDERS, n=1, cutoff=0.8)) for path in own]
    return [
        (path, names[0])
        for path, names in near
        if names and path.name != names[0] and any(found.suffix in (".md", ".txt", ".yaml") for found in path.glob("*"))
    ]


def display_path(path: Path) -> str:
    """`path` for display: relative when below the current folder, `conf/…` when ours, `package:…` in a plugin.

    A file's name may hold anything but a slash; what a terminal would obey, or take for another line, is shown as �.
    """
    path = Path(os.path.normpath(path.absolute()))
    ours, here = package_config_folder(), Path.cwd()
    shown = str(path)
    if plugin := plugin_of(path):
        shown = f"{plugin.package}:{path.relative_to(plugin.folder or path).as_posix()}"
    elif path.is_relative_to(ours):
        shown = (Path("conf") / path.relative_to(ours)).as_posix()
    elif path.is_relative_to(here):
        shown = path.relative_to(here).as_posix()
    return _UNSHOWABLE.sub("\ufffd", shown)
