"""Makes a forked process the one of a command: its streams, folder, environment and arguments; then runs it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import NoReturn, TextIO

from flows.cli.warm.messages import Command, receive_command, send_number

_PATIENCE_SECONDS = 5.0
"""How long a command may take to say what it is."""
_SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


def run_handed_over(connection: socket.socket, run: Callable[[str], int]) -> NoReturn:
    """Runs the command at the other end of the connection, and ends this process as that command would end."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.setpgid(0, 0)
    connection.settimeout(_PATIENCE_SECONDS)
    try:
        command, streams = receive_command(connection)
        send_number(connection, os.getpid())
    except (OSError, ValueError):
        # Somebody only looked whether a process is here.
        os._exit(0)
    connection.settimeout(None)
    _take_streams(streams)
    _take_place(command)
    # A killed command is killed, although it ran here.
    Thread(target=_die_with, args=(connection,), daemon=True).start()
    from flows.cli.exit import run_and_exit

    run_and_exit(lambda: run(command.program))


def _take_streams(streams: list[int]) -> None:
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = sys.__stdin__ = open(0, encoding=sys.stdin.encoding, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = _writer(1, "strict", is_at_once=os.isatty(1))
    sys.stderr = sys.__stderr__ = _writer(2, "backslashreplace", is_at_once=True)


def _writer(descriptor: int, errors: str, *, is_at_once: bool) -> TextIO:
    """A stream as Python makes it at its start. The environment decides its encoding, which is the same here."""
    encoding = sys.stdout.encoding
    buffering = 1 if is_at_once else -1
    return open(descriptor, "w", buffering, encoding, errors, closefd=False)


def _take_place(command: Command) -> None:
    os.environ.clear()
    os.environ.update(command.environment)
    os.chdir(command.folder)
    os.umask(command.umask)
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, command.nice)
    sys.argv[:], sys.orig_argv[:], sys.path[:] = command.arguments, command.started_with, command.paths


def _die_with(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)
