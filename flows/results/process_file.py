"""ProcessFile: a file that the operating system keeps locked as long as the process that made it lives.

However the process ends, also by a kill or a crash, the lock ends with it. So another process of the same machine knows
at once whether it lives. Processes of other machines know it from its heartbeat.
"""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows, where heartbeats alone show who lives
    fcntl = None

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ProcessFile:
    """Makes the file `path`, locked by this process until `close`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # Locked before it has its name, so that nobody finds it unlocked.
        unnamed = path.with_name(f".{path.name}")
        self._file: IO[str] = unnamed.open("a", encoding="utf-8", buffering=1)
        if fcntl:
            fcntl.flock(self._file.fileno(), fcntl.LOCK_EX)
        unnamed.replace(path)

    def write(self, line: str) -> None:
        """Adds a line. When this returns, the line outlives the process, but not a loss of power."""
        self._file.write(f"{line}\n")

    def close(self) -> None:
        """Gives the lock up. The file stays."""
        self._file.close()


def is_process_alive(path: Path) -> bool:
    """Whether a living process of this machine holds the file. False where there is no file."""
    if fcntl is None:
        return path.exists()
    try:
        with path.open("rb") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def place_of(folder: Path) -> str:
    """A name of the running system and of that folder on it: only where it is the same do locks of files count."""
    try:
        system = _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        system = socket.gethostname()
    folder.mkdir(parents=True, exist_ok=True)
    status = folder.stat()
    return hashlib.sha256(f"{system} {status.st_dev} {status.st_ino}".encode()).hexdigest()[:16]
