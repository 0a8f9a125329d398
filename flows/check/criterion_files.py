"""Where the file of a criterion is that is not found by its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.prompting.criteria import ignored_files
from flows.config.folders import display_path, misnamed_folders


def place_of_criterion(name: str, folders: Sequence[Path]) -> str:
    """What to do so that there is a criterion of that name: its file may be there where, or as what, none is read."""
    for path in ignored_files(folders, "criteria"):
        if path.stem == name:
            return f"a criterion is a text file: save {display_path(path)} as {name}.md"
    for folder, right in misnamed_folders(folders):
        if right == "criteria" and any(path.stem == name for path in folder.glob("*.*")):
            return f"rename the folder {display_path(folder)} to {right}"
    return f"put {name}.md into criteria/ of your config folder"
