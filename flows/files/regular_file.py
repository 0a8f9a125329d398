"""Regular files: what a run's folder holds. A pipe, a socket or a device would be waited for, or never end."""

from __future__ import annotations

import stat
from pathlib import Path

from contract.errors import RunError


def refuse_unless_regular(path: Path) -> None:
    """Raises RunError if something other than a regular file stands at `path`; does nothing where nothing does."""
    try:
        kind = path.stat().st_mode
    except OSError:
        return  # told where it is read
    if not stat.S_ISREG(kind):
        raise RunError(f"{path} is no regular file, so it was not read; a run's folder holds ordinary files")
