"""Finds out whether a port of this machine is served by another user, who could read all that is sent there."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

_LISTENING = "0A"
_ROOT = 0
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


def is_another_users(url: str) -> bool:
    """Whether the port of that address on this machine belongs to another person's process.

    The system's own, such as a container's, do not count. False where the system does not say, as on macOS.
    """
    port = f":{urlsplit(url).port:04X}"
    owners = {
        int(columns[7])
        for table in _TABLES
        if table.exists()
        for columns in map(str.split, table.read_text(encoding="ascii").splitlines()[1:])
        if columns[1].endswith(port) and columns[3] == _LISTENING
    }
    return bool(owners) and not owners & {os.getuid(), _ROOT}
