"""When a command may be run by the process that stays, and where that process is found."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

_OWNER_ONLY = 0o700
PACKAGES = Path(__file__).parents[3]
"""Where our packages are."""
_OURS = ("flows", "agents", "contract")
_READ_AT_IMPORT = re.compile(
    r"^(PREFECT|PYTHON|XDG_\w+_HOME|HOME$|LANG|LC_|TZ$|OMP_|OPENBLAS|MKL_|NUMEXPR|SSL_|GRPC_|OTEL_|VIRTUAL_ENV)"
)
"""Environment variables that our libraries read when they are imported; all others go with each command."""
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS|AUTH_STRING|CONNECTION_URL)", re.IGNORECASE)
AT_START: Mapping[str, str] = dict(os.environ)
"""The environment that the command was called with; it names its server there before Prefect is imported."""
_NAMESPACES = ("net", "mnt", "pid", "user", "ipc", "uts", "cgroup")


def is_possible() -> bool:
    """Whether this system and this interpreter can hand a command over.

    Only on Linux: the frameworks of macOS may break in a process that was forked. Not for an interpreter with options
    of its own, and not where the imports would hold a secret.
    """
    return (
        sys.platform == "linux"
        and not sys.warnoptions
        and not sys._xoptions  # type: ignore[reportPrivateUsage]
        and sys.gettrace() is None
        and not any(_SECRET.search(name) for name in AT_START if _READ_AT_IMPORT.match(name))
    )


def folder() -> Path:
    """The folder of the process that stays: beside Prefect's data, one for each environment of Python."""
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser().absolute()
    return home / "buttermilk" / f"warm-{sha256(sys.prefix.encode()).hexdigest()[:8]}"


def socket_file() -> Path:
    """Where the process listens."""
    return folder() / "commands"


@contextmanager
def short_address() -> Generator[str]:
    """The same place by a name that is short enough for a socket, whatever the folder is called."""
    descriptor = os.open(folder(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/commands"
    finally:
        os.close(descriptor)


def is_private(path: Path) -> bool:
    """Whether the folder is this user's and nobody else may enter it."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return found.st_uid == os.getuid() and not found.st_mode & 0o077


def make_private(path: Path) -> bool:
    """Makes the folder for this user alone; False where another user was there first."""
    path.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
    if path.lstat().st_uid == os.getuid():
        path.chmod(_OWNER_ONLY)
    return is_private(path)


def identity() -> str:
    """A digest of all that a command finds decided in the process: code, interpreter, environment, user, namespaces."""
    parts = [
        sys.executable, sys.prefix, sys.version, repr(tuple(sys.flags)), repr((os.getuid(), os.getgid())),
        repr(sorted(os.getgroups())), str(PACKAGES), *_code_versions(), *_namespaces(),
        *sorted(f"{name}={value}" for name, value in AT_START.items() if _READ_AT_IMPORT.match(name)),
    ]  # fmt: skip
    return sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()


def environment_without_secrets() -> dict[str, str]:
    """The environment of the process that stays; each command brings its own keys."""
    return {name: value for name, value in AT_START.items() if not _SECRET.search(name)}


def _namespaces() -> list[str]:
    """What of the system is visible: a command without a network must not be run by a process with one."""
    found = [Path("/proc/self/ns", name) for name in _NAMESPACES]
    return [str(path.readlink()) for path in found if path.is_symlink()]


def _code_versions() -> list[str]:
    """When the installed packages were last changed, and each file of ours, which may be somebody's working copy."""
    found = [f"{path}:{_changed(path)}" for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    for package in _OURS:
        for parent, _, files in os.walk(PACKAGES / package):
            found += [f"{parent}/{name}:{_changed(f'{parent}/{name}')}" for name in files if not name.endswith(".pyc")]
    return sorted(found)


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0
