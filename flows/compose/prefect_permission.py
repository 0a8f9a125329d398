"""Whether the files of the folder that a command is given in may set Prefect: only where the user's own configuration
allows it. Without that, a study from anyone could send what is run there into a database of its author's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.safety.paths import expanded, real_path
from contract.errors import Problem
from flows.config.diagnostics import Diagnostics
from flows.config.folders import display_path
from flows.config.own_config import how_to_allow, read_allowed
from flows.server.folder_settings import FolderSetting, folder_settings


def check_folder_settings(folder: Path) -> Sequence[str]:
    """Notes on the settings of Prefect in the folder's files that never count.

    Raises StudyError with each of the others, unless the user allows the folder, and with each file that Prefect could
    not read.
    """
    found = folder_settings(folder)
    if not found:
        return ()
    diagnostics = Diagnostics()
    allowed = any(
        real_path(folder).is_relative_to(real_path(expanded(Path(own)))) for own in read_allowed(diagnostics).prefect
    )
    for one in found:
        if one.has_effect and not (allowed and one.name):
            diagnostics.add_problem(_problem(one, folder))
    diagnostics.raise_if_any()
    return [
        f"{_place(one)}: {one.name} is not taken from a folder's files; set it in the environment"
        for one in found
        if one.is_passed_over
    ]


def _problem(setting: FolderSetting, folder: Path) -> Problem:
    if not setting.name:
        return Problem(
            _place(setting), "Prefect reads this file, and cannot: it is damaged or not in UTF-8", None, "correct it"
        )
    return Problem(
        _place(setting),
        f"this file sets {setting.name} of Prefect, which a folder's files may not: a folder can come from anyone",
        todo="remove the line; if it is yours, set the variable in your environment, or "
        + how_to_allow("prefect", f"- {real_path(folder)}"),
    )


def _place(setting: FolderSetting) -> str:
    return f"{display_path(setting.file)}:{setting.line}"
