"""The process that keeps the imports, which only `keep_warm` starts.

It imports what commands need, and forks for each command that is handed to it. It has one thread, reads no study and no
key, and ends by itself when no command came for some time, or when another of newer code takes its place.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType

from flows.cli.warm.become import run_handed_over
from flows.cli.warm.identity import identity, short_address, socket_file
from flows.cli.warm.messages import send_number
from flows.cli.warm.place import take_place

_MODULES = (
    "prefect.flow_engine", "fastapi.encoders", "flows.cli.run", "flows.compose.compose", "flows.config.hydra_merge",
    "flows.check.table_format", "flows.run.runner", "flows.run_folder.finish", "flows.corpus.index",
    "flows.report.answer_page", "flows.tables.cells", "flows.server.drain", "flows.cli.script",
    "agents.llms.embedded.model",
)  # fmt: skip
"""What most commands import and that starts no threads, as numpy and pyarrow do; a command imports the rest itself."""


def keep_imports(idle_seconds: float, expected: str, run: Callable[[str], int]) -> None:
    """Serves commands until none came for `idle_seconds`. In the process of a command, calls `run` and ends with it.

    `expected` is the identity that the command had which started this process.
    """
    # Where code was changed since the command that started this, the next command starts another.
    if identity() != expected or not (lock := take_place(expected)):
        return
    _import_all()
    if _threads() > 1:
        # A fork would copy locks that nobody opens again.
        return
    given = _WarmProcess(idle_seconds, expected).serve()
    lock.close()
    if given:
        run_handed_over(given, run)


def _import_all() -> None:
    from agents.base.entry_points import OUR_PACKAGE
    from agents.base.registry import ENTRY_POINT_GROUP
    from flows.cli.run import quiet_prefect

    quiet_prefect()
    os.environ.setdefault("PREFECT_PLUGINS_ENABLED", "false")
    for name in _MODULES:
        import_module(name)
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        # Other packages' agents are theirs to import, in a command that uses them.
        if entry.dist and entry.dist.name == OUR_PACKAGE:
            import_module(entry.module)
    gc.collect()
    # What was made so far stays shared with the processes of all commands.
    gc.freeze()


def _threads() -> int:
    return sum(1 for _ in Path("/proc/self/task").iterdir())


class _WarmProcess:
    """Listens, forks, and says of each command how it has ended."""

    def __init__(self, idle_seconds: float, identity_of_code: str) -> None:
        self._idle_seconds = idle_seconds
        self._identity = identity_of_code
        self._commands = dict[int, socket.socket]()
        """The process of each command, and its connection."""
        self._is_ending = False

    def serve(self) -> socket.socket | None:
        """Returns None when its time is over; in the process of a command, the connection to that command."""
        woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _only_wake)
        signal.signal(signal.SIGTERM, self._end)
        with _listen() as listening:
            while self._commands or not self._is_ending:
                readable, _, _ = select.select([listening, woken], [], [], self._idle_seconds)
                if not readable and not self._commands:
                    break
                if woken in readable:
                    os.read(woken, 4096)
                    self._report_ended()
                if listening in readable and not self._is_ending and (given := self._accept(listening)):
                    os.close(woken)
                    os.close(wake)
                    return given
        return None

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self._is_ending = True
        with suppress(OSError):
            socket_file().unlink()

    def _accept(self, listening: socket.socket) -> socket.socket | None:
        """Forks for one command; in its process, returns the connection."""
        connection, _ = listening.accept()
        with suppress(OSError):
            connection.sendall(self._identity.encode())
        if process := os.fork():
            self._commands[process] = connection
            return None
        signal.set_wakeup_fd(-1)
        for other in self._commands.values():
            other.close()
        return connection

    def _report_ended(self) -> None:
        for process in list(self._commands):
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                with self._commands.pop(process) as connection, suppress(OSError):
                    send_number(connection, status)


def _only_wake(_number: int, _frame: FrameType | None) -> None:
    """Without a handler, Python would not write to the pipe that wakes the loop."""


def _listen() -> socket.socket:
    with suppress(FileNotFoundError):
        socket_file().unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_address() as address:
        listening.bind(address)
    socket_file().chmod(0o600)
    listening.listen(16)
    return listening
