"""The folder of a run, `runs/<flow>/<run>/`: makes it, and reads its traces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from contract.errors import RunError
from contract.messages import AgentTrace
from flows.files.os_error import os_error_text


def new_run_folder(parent: Path, flow: str) -> Path:
    """Makes the folder `<parent>/<flow>/<time>`, and a link `latest` to it. Raises RunError if it cannot be made."""
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
        _link_latest(base / "latest", folder.name)
        return folder
    raise RunError(f"cannot make a run folder in {base}: a thousand runs began in one second")


def _link_latest(link: Path, name: str) -> None:
    temporary = link.with_name(f".latest-{name}")
    try:
        temporary.symlink_to(name)
        temporary.replace(link)
    except OSError:
        # Some file systems have no links; the folder has its own name in any case.
        temporary.unlink(missing_ok=True)


def read_traces(path: Path) -> Iterator[AgentTrace]:
    """The traces of `answers.jsonl`, one at a time."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield AgentTrace.model_validate_json(line)
