"""Put on PYTHONPATH, this keeps a Python process and its children off the network: only this machine answers.

An audit hook sees every connection and name lookup that goes through Python and cannot be taken off again. What it
stops it also writes into the file that BUTTERMILK_BLOCKED names, so that no `except` can hide it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1", "0.0.0.0", "", None}
_HOST_ARGUMENT = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0}


def _host(event: str, arguments: tuple[Any, ...]) -> Any:
    place = arguments[_HOST_ARGUMENT[event]]
    if isinstance(place, bytes):
        return place.decode()
    # A path is a Unix socket; a pair or more is an address.
    return place[0] if isinstance(place, tuple) else place if event == "socket.getaddrinfo" else None  # type: ignore[reportUnknownVariableType]


def _block_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _HOST_ARGUMENT:
        return
    host = _host(event, arguments)
    if host in _LOCAL_HOSTS or str(host).startswith("127."):
        return
    if blocked := os.environ.get("BUTTERMILK_BLOCKED"):
        with Path(blocked).open("a", encoding="utf-8") as file:
            file.write(f"{event} {host}\n")
    raise OSError(f"no network in tests: {event} {host}")


sys.addaudithook(_block_network)
