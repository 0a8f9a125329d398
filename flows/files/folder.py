"""The folder of a run, `runs/<flow>/<run>/`: makes it, and reads its traces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from contract.errors import RunError
from contract.messages import AgentTrace
from flows.files.os_error import os_error_text
from flows.files.regular_file import refuse_unless_regular


def new_run_folder(parent: Path, flow: str) -> Path:
    """Makes the folder `<parent>/<flow>/<time>`. Raises RunError if it cannot be made."""
    started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    base = parent / flow
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        folder = base / f"{started}{suffix}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise RunError(f"cannot make the run folder {folder}: {os_error_text(error)}; set run.folder=…") from error
        return folder
    raise RunError(f"cannot make a run folder in {base}: a thousand runs began in one second")


def link_latest(folder: Path) -> None:
    """Makes `latest`, beside the folder of a finished run, a link to it. A run that began later keeps the link."""
    link = folder.with_name("latest")
    temporary = link.with_name(f".latest-{folder.name}")
    if _is_later(link, folder):
        return
    try:
        temporary.symlink_to(folder.name)
        temporary.replace(link)
    except OSError:
        # Some file systems have no links; the folder has its own name in any case.
        temporary.unlink(missing_ok=True)


def read_traces(path: Path) -> Iterator[AgentTrace]:
    """The traces of `answers.jsonl`, one at a time. Raises RunError if it is no regular file."""
    refuse_unless_regular(path)
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield AgentTrace.model_validate_json(line)


def _is_later(link: Path, folder: Path) -> bool:
    """Whether the link points to a run that began after that of `folder`."""
    return link.is_symlink() and link.exists() and _order(link.readlink().name) > _order(folder.name)


def _order(name: str) -> tuple[str, int]:
    """A key by which names of run folders are in the order of their start: `T101010`, `T101010-2` … `T101010-10`."""
    started, _, number = name.partition("-")
    return started, int(number) if number.isdecimal() else 1
