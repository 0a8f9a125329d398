"""Where a server that stays is found: a folder of the user's beside Prefect's data, for one version and configuration.

`alive` is locked by the server's process as long as it lives, and `use` is locked, shared, by each run that uses it.
The operating system takes both locks away when a process ends, however it ends, so neither outlives a kill.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

from contract.errors import RunError

try:
    import fcntl
except ImportError:  # Windows, where each run has a server of its own
    fcntl = None

_OWNER_ONLY = 0o700
_MARKS = "marks-"
"""How the names of files begin that name a folder of marks of runs."""
_SERVER_VARIABLES = ("PREFECT_API_DATABASE", "PREFECT_API_AUTH", "PREFECT_PROFILE", "PREFECT_SERVER_")


@dataclass(frozen=True)
class ServerState:
    """What a server's process writes about itself before it does anything else."""

    pid: int
    api_url: str
    started: float
    """Seconds since 1970."""
    prefect: str
    buttermilk: str
    ready: bool = False
    """Whether it has begun to answer."""


def _is_own(folder: Path) -> bool:
    """Whether the folder is this user's, or is still to be made."""
    try:
        # Windows has no such numbers, and keeps no server.
        return fcntl is None or folder.lstat().st_uid == os.getuid()
    except FileNotFoundError:
        return True


class StateFolder:
    """The folder of the server that commands of this version, configuration, machine and user share."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or servers_folder() / f"{socket.gethostname()}-{server_identity()}"
        self.log = self.path / "log"

    def prepare(self) -> None:
        """Makes the folder, for this user alone. Raises RunError when it is another user's."""
        self.check_owner()
        for folder in (self.path.parent, self.path):
            folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
            if folder.lstat().st_mode & 0o077:
                folder.chmod(_OWNER_ONLY)
        self.check_owner()

    def check_owner(self) -> None:
        """Raises RunError when the folder, as far as there is one, is another user's, as with `sudo` and their HOME."""
        for folder in (self.path.parent, self.path):
            if not _is_own(folder):
                raise RunError(
                    f"{folder} belongs to another user, whose Prefect server is not used; set HOME to your own home "
                    "folder (`sudo -H` does so)"
                )

    def read(self) -> ServerState | None:
        """What the server has written; None where there is none, also when it was broken off."""
        try:
            return ServerState(**json.loads((self.path / "state.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, state: ServerState) -> None:
        """Writes it, whole or not at all."""
        self._write("state.json", json.dumps(asdict(state)))

    def clear(self) -> None:
        """Removes what an earlier server has written. The caller holds `alive`."""
        (self.path / "state.json").unlink(missing_ok=True)

    def read_idle_seconds(self) -> int:
        """How long the server stays without a use; 0 where nothing was written."""
        with suppress(OSError, ValueError):
            return int((self.path / "idle_seconds").read_text(encoding="utf-8"))
        return 0

    def write_idle_seconds(self, seconds: int) -> None:
        """Sets it; the server reads it again each time."""
        self._write("idle_seconds", str(seconds))

    def lock_alive(self) -> BinaryIO | None:
        """The lock of a server's process, or None when one lives."""
        return self._lock("alive", exclusive=True)

    def lives(self) -> bool:
        """Whether a server's process lives, starting or serving."""
        lock = self._lock("alive", exclusive=False) if self.path.is_dir() else None
        if lock:
            lock.close()
        return self.path.is_dir() and lock is None

    def lock_use(self, *, exclusive: bool) -> BinaryIO | None:
        """The lock of a use, or None: exclusive while others use the server, shared while it ends."""
        return self._lock("use", exclusive=exclusive)

    def lock_use_in(self, seconds: float) -> BinaryIO | None:
        """The shared lock of a use. Waits for a server that is ending; None when that takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while (lock := self.lock_use(exclusive=False)) is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return lock

    def wait_for_end(self) -> None:
        """Waits until no server's process lives."""
        if fcntl is None:
            return
        with (self.path / "alive").open("a+b") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH)

    def _lock(self, name: str, *, exclusive: bool) -> BinaryIO | None:
        if fcntl is None:
            return None
        file = os.fdopen(os.open(self.path / name, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        try:
            fcntl.flock(file.fileno(), (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file  # type: ignore[return-value]

    def _write(self, name: str, text: str) -> None:
        _write(self.path / name, text)


def _write(path: Path, text: str) -> None:
    """Writes the file, for its owner alone, whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def note_marks(folder: Path) -> None:
    """Lets servers of this machine watch the marks of runs in that folder, also one that is started later."""
    path = servers_folder() / f"{_MARKS}{sha256(str(folder.absolute()).encode()).hexdigest()[:16]}"
    if not path.exists():
        path.parent.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        _write(path, str(folder.absolute()))


def mark_folders() -> list[Path]:
    """The folders that they watch."""
    files = [path for path in servers_folder().glob(f"{_MARKS}*") if not path.suffix]
    return [folder for path in files if (folder := Path(path.read_text(encoding="utf-8"))).is_dir()]


def folder_of_server(api_url: str) -> StateFolder | None:
    """The folder of the server that stays and answers at that address; None where the address is another server's."""
    folders = map(StateFolder, servers_folder().glob("*/"))
    return next((one for one in folders if (state := one.read()) and state.api_url == api_url and one.lives()), None)


def servers_folder() -> Path:
    """The folder of all servers that stay, beside Prefect's database."""
    return Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser().absolute() / "buttermilk"


def server_identity() -> str:
    """A digest of what must be the same for two commands to share a server: versions, Python and server's settings."""
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", servers_folder().parent / "profiles.toml")).expanduser()
    parts = [
        version("prefect"),
        version("buttermilk"),
        sys.prefix,
        str(servers_folder()),
        *sorted(f"{name}={value}" for name, value in os.environ.items() if name.startswith(_SERVER_VARIABLES)),
        profiles.read_text(encoding="utf-8") if profiles.is_file() else "",
    ]
    return sha256("\0".join(parts).encode()).hexdigest()[:16]


def can_stay() -> bool:
    """Whether this system has what a server that stays needs."""
    return fcntl is not None
