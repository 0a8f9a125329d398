"""Where a client's `records` may come from: a storage of the study, or a file below the server's own folders.

A client is whoever holds the token, or a model that obeys a text; neither may make records of any other file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from contract.errors import Problem, StudyError
from flows.config.diagnostics import closest_name, display_argument, there_are

_WHERE = "records"


def check_records(text: str, storages: Collection[str], config_dir: Path | None) -> str:
    """Returns what stands for `records=text` on the command line: a storage's name, or a file's absolute path.

    Raises StudyError for any other place; no link may lead out of a folder.
    """
    text = text.strip()
    if text in storages:
        return text
    folders = list(_folders(config_dir))
    for folder in folders:
        path = (folder / text).resolve()
        if path.is_relative_to(folder) and path.exists() and not _is_hidden(path, folder):
            return str(path)
    todo = f"name a file below the server's folder, or a storage; {there_are(storages)}"
    what = f"there is neither a file nor a storage of that name, or it is none that clients may read: '{text[:200]}'"
    near = closest_name(text, storages)
    raise StudyError([Problem(f"command line: {display_argument(f'{_WHERE}={text}')}", what, nearest=near, todo=todo)])


def _folders(config_dir: Path | None) -> Iterator[Path]:
    """The working folder, unless it is the user's home or holds it, and the study's own."""
    here = Path.cwd().resolve()
    if not Path.home().resolve().is_relative_to(here):
        yield here
    if config_dir is not None:
        yield config_dir.expanduser().resolve()


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
