"""Hands a command to the process that keeps the imports, and stands for it: streams, signals, exit code.

if (code := run_warm("osb")) is not None:
    sys.exit(code)
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from flows.cli.warm.identity import (
    PACKAGES,
    environment_without_secrets,
    folder,
    identity,
    is_possible,
    is_private,
    make_private,
    short_address,
)
from flows.cli.warm.messages import Command, receive_number, send_command

_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGWINCH")
"""By name: Windows, where no process stays, does not have them all."""
_ANSWER_SECONDS = 5.0
_EXIT_FAILED = 3
_START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from flows.warm_process import main; main()"
"""Finds our packages from any folder without another PYTHONPATH, which commands would not share."""
_NOT_WARM = frozenset({"serve", "server", "code", "mcp", "--debug"})
"""Words of commands that stay themselves, speak of processes, or want Prefect's own log."""


def run_warm(program: str) -> int | None:
    """Runs the command of this process in the one that stays; None where there is none that fits.

    `program` is `buttermilk`, `flows`, or the name of a flow. Returns the exit code.
    """
    if not _is_allowed(sys.argv[1:]) or not is_private(folder()):
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        try:
            if _identity_at(connection) != identity():
                return None
            send_command(connection, Command.of_this_process(program))
            process = receive_number(connection)
        except (OSError, ValueError):
            # It ends just now, or is stopped: the command runs by itself.
            return None
        connection.settimeout(None)
        return _stand_for(process, connection)


def keep_warm(idle_seconds: int) -> None:
    """Starts the process that stays where none fits; it takes the place of one of other code or settings.

    Does not wait for it.
    """
    if not is_possible() or not make_private(folder()) or _fits():
        return
    subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [sys.executable, "-c", _START, str(PACKAGES), str(idle_seconds), identity()],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        cwd="/", env=environment_without_secrets(),
    )  # fmt: skip


def _fits() -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_SECONDS)
        try:
            return _identity_at(connection) == identity()
        except (OSError, ValueError):
            return False


def _identity_at(connection: socket.socket) -> str:
    with short_address() as address:
        connection.connect(address)
    return connection.recv(100).decode()


def _is_allowed(arguments: Sequence[str]) -> bool:
    return is_possible() and not _NOT_WARM.intersection(arguments)


def _stand_for(process: int, connection: socket.socket) -> int:
    """Waits for the process, and passes signals on to it. Ends as it has ended."""

    def forward(number: int, _frame: FrameType | None) -> None:
        _signal(process, number)

    for number in (getattr(signal, name) for name in _FORWARDED):
        # `nohup` and a shell's background jobs ignore some, and their commands are to go on ignoring them.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, forward)
    signal.signal(signal.SIGTSTP, _stopper(process))
    try:
        status = receive_number(connection)
    except (OSError, ValueError):
        print("the process that ran this command was ended; give the command again to go on", file=sys.stderr)
        return _EXIT_FAILED
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        signal.signal(number, signal.SIG_DFL) if number not in (signal.SIGKILL, signal.SIGSTOP) else None
        os.kill(os.getpid(), number)
    return os.waitstatus_to_exitcode(status)


def _stopper(process: int) -> Callable[[int, FrameType | None], None]:
    """Ctrl-Z stops both; `fg` lets both go on."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        _signal(process, signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        _signal(process, signal.SIGCONT)

    return stop


def _signal(process: int, number: int) -> None:
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return
