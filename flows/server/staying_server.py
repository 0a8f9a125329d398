"""StayingServer: a command's hold on the Prefect server of this machine, which is started when there is none.

It answers where `prefect server start` would, with its data and its page, or at a free port where something else is
there. It is a process of its own in a session of its own: neither Ctrl-C nor a closed terminal reaches it. As long as
a command holds it, it does not end.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import BinaryIO

from contract.errors import RunError
from contract.server_policy import describe_seconds
from flows.server.command_name import command_text
from flows.server.folder_settings import folder_settings
from flows.server.last_words import cause_of_end
from flows.server.prefect_process import SERVER_SETTINGS, listen
from flows.server.private_server import SERVER_START_SECONDS, is_healthy
from flows.server.staying_state import ServerState, StateFolder, can_stay

_SETTINGS: Mapping[str, str] = {
    **SERVER_SETTINGS,
    # An empty list: `false` would mean the default, which is to delete old events.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": ",",
    "PREFECT_PLUGINS_ENABLED": "false",
}
_NOT_FOR_SERVER = re.compile(r"^(?!PREFECT_).*(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$", re.IGNORECASE)
"""Environment variables of the command that the server does not get: it calls no models, and stays longer."""
USUAL_PORT = 4200
_ENDING_SECONDS = 20.0
_ANSWER_SECONDS = 5.0
"""How long a server that is up may take to answer before the command does without it."""


class StayingServer:
    """A hold on the server of this machine, from `open` to `stop`."""

    has_page = True

    def __init__(
        self, folder: StateFolder, state: ServerState, use: BinaryIO, process: subprocess.Popen[bytes] | None
    ) -> None:
        self.api_url = state.api_url
        self.folder = folder
        self.pid = state.pid
        self._use = use
        self._process = process

    @classmethod
    def open(cls, idle_seconds: int) -> StayingServer | None:
        """Holds the server, and starts one when none lives. Does not wait until it answers.

        Returns None when there can be none here, or when the one that lives does not answer.
        """
        if not can_stay() or _folder_sets_prefect(Path.cwd()):
            return None
        folder = StateFolder()
        folder.prepare()
        use = folder.lock_use_in(_ENDING_SECONDS)
        if use is None:
            return None
        folder.write_idle_seconds(idle_seconds)
        return cls._hold(folder, use, *_start_or_find(folder))

    @classmethod
    def find(cls) -> StayingServer | None:
        """Holds the server if one lives, and starts none."""
        folder = StateFolder()
        if not folder.lives() or not (use := folder.lock_use_in(_ENDING_SECONDS)):
            return None
        return cls._hold(folder, use, None, folder.read() if folder.lives() else None)

    @classmethod
    def _hold(
        cls, folder: StateFolder, use: BinaryIO, process: subprocess.Popen[bytes] | None, state: ServerState | None
    ) -> StayingServer | None:
        if state is None or (process is None and _is_stuck(state)):
            use.close()
            return None
        return cls(folder, state, use, process)

    @property
    def is_new(self) -> bool:
        """Whether this command has started it."""
        return self._process is not None

    @property
    def description(self) -> str:
        """What a person is to know of it."""
        stays = describe_seconds(self.folder.read_idle_seconds())
        return (
            f"The Prefect server of this machine was started for this run, and ends after {stays} without one "
            f"(`{command_text('server', 'stop')}` ends it now)."
        )

    def wait_until_ready(self) -> None:
        """Waits until the server answers. Raises RunError, with the cause if it has ended."""
        deadline = time.monotonic() + SERVER_START_SECONDS
        while time.monotonic() < deadline:
            if is_healthy(self.api_url):
                return
            if self.has_ended():
                raise RunError(f"the Prefect server did not start: {self._why_it_ended()}")
            time.sleep(0.02)
        raise RunError(
            f"the Prefect server (process {self.pid}) did not answer within {SERVER_START_SECONDS:.0f} s; "
            f"end it with `{command_text('server', 'stop now')}`"
        )

    def has_ended(self) -> bool:
        """Whether the process has ended, by itself or killed."""
        if self._process:
            self._process.poll()
        return not self.folder.lives()

    def exit_future(self) -> asyncio.Future[str]:
        """A future that is done when the server has ended; its result says why. It belongs to the running loop."""
        loop = asyncio.get_running_loop()
        exited: asyncio.Future[str] = loop.create_future()

        def wait() -> None:
            self.folder.wait_for_end()
            # After the run, the loop is closed and the future is not needed.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(lambda: exited.done() or exited.set_result(self._why_it_ended()))

        Thread(target=wait, daemon=True).start()
        return exited

    def stop(self) -> None:
        """Lets go of the server, which stays."""
        self._use.close()

    def end_if_unused(self) -> None:
        """Lets go of the server, and ends it when this command has started it and no other uses it."""
        self.stop()
        if self._process and (lock := self.folder.lock_use(exclusive=True)):
            self._process.terminate()
            self._process.wait()
            lock.close()

    def _why_it_ended(self) -> str:
        with suppress(OSError):
            if cause := cause_of_end(self.folder.log.read_text(encoding="utf-8", errors="replace")):
                return cause
        return "it wrote no message"


def _start_or_find(folder: StateFolder) -> tuple[subprocess.Popen[bytes] | None, ServerState | None]:
    """Starts a server, or finds the one that lives. Its state is None when it does not appear in time."""
    process: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + _ENDING_SECONDS
    while time.monotonic() < deadline:
        process = process or _start(folder)
        if (state := folder.read()) and (process is None or state.pid == process.pid) and folder.lives():
            return process, state
        if process and process.poll() is not None:
            raise RunError(f"the Prefect server did not start; {folder.log} shows why")
        time.sleep(0.01)
    return process, None


def _start(folder: StateFolder) -> subprocess.Popen[bytes] | None:
    """Starts the process, which gets the lock that says that it lives; None when another process has it."""
    alive = folder.lock_alive()
    if alive is None:
        return None
    folder.clear()
    descriptor = os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with alive, _listen_where_usual() as listening, os.fdopen(descriptor, "wb") as log:
        passed = (listening.fileno(), alive.fileno())
        return subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
            [sys.executable, "-P", "-m", "flows.server.staying_process", str(folder.path), *map(str, passed)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            env=_environment(),
            # Not in the command's folder, which could then not be moved or unmounted.
            cwd=folder.path,
            pass_fds=passed,
            start_new_session=True,
        )


def _listen_where_usual() -> socket.socket:
    port = int(os.environ.get("PREFECT_SERVER_API_PORT") or USUAL_PORT)
    try:
        return listen(port)
    except OSError:
        return listen(0)


def _environment() -> dict[str, str]:
    """The command's environment without its secrets; our package is found from any folder."""
    kept = {name: value for name, value in os.environ.items() if not _NOT_FOR_SERVER.search(name)}
    paths = [path for path in (os.environ.get("PYTHONPATH"), str(Path(__file__).parents[2])) if path]
    return {**kept, **_SETTINGS, "PYTHONPATH": os.pathsep.join(paths)}


def _is_stuck(state: ServerState) -> bool:
    """Whether a server that was up does not answer any more."""
    if not state.ready:
        return False
    deadline = time.monotonic() + _ANSWER_SECONDS
    while time.monotonic() < deadline:
        if is_healthy(state.api_url):
            return False
    return True


def _folder_sets_prefect(folder: Path) -> bool:
    """Whether Prefect reads settings from this folder's files, which a shared server would not."""
    return any(setting.has_effect for setting in folder_settings(folder))


def end_server(*, even_in_use: bool) -> str | None:
    """Ends the server of this machine. Returns its address, or None when there is none.

    Raises RunError while a run uses it, unless it shall end all the same, and when its process does not end.
    """
    folder = StateFolder()
    folder.check_owner()
    state = folder.read() if folder.lives() else None
    if state is None:
        return None
    lock = folder.lock_use(exclusive=True)
    if lock is None and not even_in_use:
        raise RunError(
            "a run uses the server now; wait for it, or end the server all the same with `server stop now`: "
            "the run then stops, and goes on when its command is given again"
        )
    _end_process(folder, state.pid)
    if lock:
        lock.close()
    return state.api_url


def end_unused_server() -> None:
    """Ends the server of this machine where no run uses it."""
    with suppress(RunError):
        end_server(even_in_use=False)


def _end_process(folder: StateFolder, pid: int) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + _ENDING_SECONDS
        while folder.lives() and time.monotonic() < deadline:
            time.sleep(0.05)
        if not folder.lives():
            return
    raise RunError(f"the Prefect server's process {pid} does not end")
