"""What is wrong with the folder that a command names with --config-dir, and the folder that was meant."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from agents.safety.paths import expanded, is_folder, is_there
from contract.errors import Problem
from flows.config.diagnostics import closest_name
from flows.config.folders import (
    STUDY_FOLDERS,
    display_path,
    misnamed_folders,
    misnamed_yaml,
    package_config_folder,
)


def config_dir_problem(config_dir: Path | None) -> Problem | None:
    """Why that cannot be a study's folder; None where it is one, or none is named."""
    if config_dir is None:
        return None
    folder, where = expanded(config_dir), f"command line: --config-dir {config_dir}"
    if not is_folder(folder):
        what = "this is not a folder" if is_there(folder) else "there is no such folder"
        return Problem(where, what, todo=_name_instead(folder))
    if closed := _closed_folder(folder):
        what = f"you have no permission to read the folder {display_path(closed)}"
        return Problem(where, what, todo="give yourself this permission")
    if study := _study_above(folder):
        return Problem(where, "this is one folder of a study, not the study's own", todo=_write(study))
    return None


def unread_flows(folder: Path) -> str | None:
    """What to do where a study has flows that are not read: of another ending, or in a folder of another name."""
    yml = [path for path in misnamed_yaml([folder]) if path.parent.name == "flows"]
    if yml:
        return f"only .yaml is read: rename {display_path(yml[0])} to {yml[0].stem}.yaml"
    folders = [path for path, right in misnamed_folders([folder]) if right == "flows"]
    return f"rename the folder {display_path(folders[0])} to flows" if folders else None


def _name_instead(folder: Path) -> str:
    meant = next((parent for parent in folder.parents if _is_study(parent)), None) if is_there(folder) else None
    if meant is None and is_folder(folder.parent):
        studies = [path.name for path in _studies_in(folder.parent)]
        # A shell cuts the name of a folder at its blanks, so that only its beginning arrives here.
        begins = next((name for name in studies if name.startswith(f"{folder.name} ")), None)
        near = begins or closest_name(folder.name, studies)
        meant = folder.parent / near if near else None
    return _write(meant) if meant else "name the folder that holds your flows/, prompts/ and so on"


def _write(study: Path) -> str:
    return f"write --config-dir {shlex.quote(str(study))}"


def _studies_in(folder: Path) -> Iterator[Path]:
    if os.access(folder, os.R_OK | os.X_OK):
        yield from (path for path in sorted(folder.glob("*/")) if _is_study(path))


def _is_study(folder: Path) -> bool:
    return any(is_folder(folder / name) for name in STUDY_FOLDERS)


def _study_above(folder: Path) -> Path | None:
    """The study of which this is only the `flows/`, `criteria/` and so on; None for a folder that may be a study."""
    above = folder.parent if folder.name in STUDY_FOLDERS else None
    beside = (path.name for path in above.glob("*/")) if above else ()
    is_part = any(name in STUDY_FOLDERS and name != folder.name for name in beside) or folder.name == "flows"
    return above if above and is_part and not _is_study(folder) and any(folder.glob("*.*")) else None


def _closed_folder(folder: Path) -> Path | None:
    """The study's folder, or one of its groups, that this user may not read: what is in it would count as missing."""
    if not _is_readable(folder):
        return folder
    groups = (folder / path.name for path in sorted(package_config_folder().iterdir()))
    return next((group for group in groups if is_folder(group) and not _is_readable(group)), None)


def _is_readable(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)
