"""What a command and the process that runs it say to each other, over a socket of this machine.

The process says its identity; the command sends what it was called with, and its streams; the process answers with the
number of the process that runs it, and at the end with that one's status.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

_NUMBER = struct.Struct("!i")
_LENGTH = struct.Struct("!I")
_STREAMS = 3
_LONGEST = 4_000_000
"""Bytes of a command; the system allows 2 MB of arguments and environment."""


@dataclass(frozen=True)
class Command:
    """A command as it was called."""

    program: str
    """`buttermilk`, `flows`, or the name of a flow."""
    arguments: list[str]
    """`sys.argv`."""
    started_with: list[str]
    """`sys.orig_argv`: what is to be typed to call it again."""
    paths: list[str]
    """`sys.path`."""
    folder: str
    environment: dict[str, str]
    umask: int
    nice: int

    @classmethod
    def of_this_process(cls, program: str) -> Command:
        """This process's own."""
        umask = os.umask(0o077)
        os.umask(umask)
        return cls(
            program, sys.argv, sys.orig_argv, sys.path, str(Path.cwd()), dict(os.environ), umask,
            os.getpriority(os.PRIO_PROCESS, 0),
        )  # fmt: skip


def send_command(connection: socket.socket, command: Command) -> None:
    """Sends the command with this process's three streams."""
    content = json.dumps(asdict(command)).encode()
    socket.send_fds(connection, [_LENGTH.pack(len(content))], range(_STREAMS))
    connection.sendall(content)


def receive_command(connection: socket.socket) -> tuple[Command, list[int]]:
    """The command and its streams. Raises ValueError when it is none."""
    head, streams, _, _ = socket.recv_fds(connection, _LENGTH.size, _STREAMS)
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    if len(streams) != _STREAMS or not 0 < length <= _LONGEST:
        raise ValueError("no command")
    return Command(**json.loads(_receive(connection, length))), streams


def send_number(connection: socket.socket, number: int) -> None:
    """Sends the number of a process, or its status."""
    connection.sendall(_NUMBER.pack(number))


def receive_number(connection: socket.socket) -> int:
    """The number of a process, or its status. Raises ValueError when the other side has gone."""
    return _NUMBER.unpack(_receive(connection, _NUMBER.size))[0]


def _receive(connection: socket.socket, length: int) -> bytes:
    parts = list[bytes]()
    while length:
        if not (part := connection.recv(min(length, 65536))):
            raise ValueError("the connection has ended")
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
