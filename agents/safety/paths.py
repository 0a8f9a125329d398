"""Checks whether a path stays in the folders that it belongs to, and is a file that can be read to its end."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

MAX_TEXT_BYTES = 10_000_000
"""The largest configuration, prompt or criterion."""


def real_path(path: Path) -> Path:
    """Returns where a path leads after links are followed, also of links in a circle, where `Path.resolve` raises."""
    # No file's name holds NUL, and to ask for one is an error of the program.
    return Path(os.path.realpath(str(path).replace("\0", "\ufffd")))


def expanded(path: Path) -> Path:
    """Returns the path with the home folder for `~`; unchanged where `~name` is no user, for which Python raises."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def is_there(path: Path) -> bool:
    """Returns whether there is a file or folder of that name; a name that no file can have is none.

    `Path.exists` raises for a name that is too long, and a whole text may stand where a name belongs.
    """
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def is_file(path: Path) -> bool:
    """Returns whether the path is a file, as `is_there` does."""
    return is_there(path) and path.is_file()


def is_folder(path: Path) -> bool:
    """Returns whether the path is a folder, as `is_there` does."""
    return is_there(path) and path.is_dir()


def is_link(path: Path) -> bool:
    """Returns whether the path is a link, as `is_there` does."""
    try:
        return path.is_symlink()
    except (OSError, ValueError):
        return False


def no_file_reason(path: Path) -> str | None:
    """Returns what is wrong where a file is to be read: nothing is there, or something else; None if it is a file."""
    if is_file(path):
        return None
    if is_link(path) and not is_there(path):
        return "this is a link that leads nowhere"
    if is_folder(path):
        return "this is a folder, not a file"
    return "this is a device or a pipe, not a file" if is_there(path) else "there is no such file"


def is_hidden(path: Path, folder: Path) -> bool:
    """Whether the path, or a folder on the way to it from `folder`, has a name that begins with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def is_inside(path: Path, folders: Sequence[Path]) -> bool:
    """Returns whether a file is in one of the folders, after links are followed."""
    real = real_path(path)
    return any(real.is_relative_to(real_path(folder)) for folder in folders)


def paths_below(folder: Path) -> list[Path]:
    """Returns all paths below a folder of a study, sorted; none where it is a link that leads out of the study.

    Behind such a link may be a whole disk, whose names are not the study's, and which takes minutes to walk through.
    """
    return sorted(folder.rglob("*")) if folder.is_dir() and is_inside(folder, [folder.parent]) else []


def text_file_problem(path: Path, folder: Path) -> str | None:
    """Returns why a text of the study in `folder` is not read: a link out of it, a device, a size; None if it is.

    A pipe would be waited for without end, and a device read without end.
    """
    if not is_inside(path, [folder]):
        return "the link leads out of the folder; put the file itself there"
    if path.is_symlink() and not path.exists():
        return "the link leads nowhere; put the file itself there"
    if path.exists() and not path.is_file() and not path.is_dir():
        return "this is a device or a pipe, not a file; put a file there"
    if path.is_file() and path.stat().st_size > MAX_TEXT_BYTES:
        return f"the file is larger than {MAX_TEXT_BYTES // 1_000_000} MB"
    return None
