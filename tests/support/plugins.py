"""Installs packages of plugins as pip would, without a network: the package and its metadata in a folder."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path


def install(project: Path, site: Path) -> None:
    """Installs the project, whose package has the folder's name, into the folder `site`."""
    project_table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(project / project.name, site / project.name)
    write_metadata(site, project_table["name"], project_table["version"], project_table["entry-points"])


def write_metadata(site: Path, name: str, version: str, entry_points: Mapping[str, Mapping[str, str]]) -> None:
    """Writes the metadata of an installed package."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = (
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in entry_points.items()
    )
    (folder / "entry_points.txt").write_text("\n".join(groups))
