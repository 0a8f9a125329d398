"""The process of a server that stays: `python -m flows.server.staying_process`, which only `StayingServer` starts.

It inherits the socket on which it listens and the lock that says that it lives. It ends by itself when it was not used
for some time; while it ends, it holds the lock of uses, so that no run begins with a server that is about to go.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from flows.server.killed_runs import end_killed_runs
from flows.server.local_requests import LocalRequests
from flows.server.prefect_process import serve_prefect
from flows.server.staying_state import ServerState, StateFolder

if TYPE_CHECKING:
    import uvicorn

_LONGEST_PAUSE = 5.0


def main(folder: str, listening_fd: int, alive_fd: int) -> None:
    """Serves until nobody has used the server for as long as the folder says, or until a signal ends it."""
    os.set_inheritable(alive_fd, False)
    listening = socket.socket(fileno=listening_fd)
    listening.set_inheritable(False)
    state, port = StateFolder(Path(folder)), listening.getsockname()[1]
    api_url = f"http://127.0.0.1:{port}/api"
    about = ServerState(os.getpid(), api_url, time.time(), version("prefect"), version("buttermilk"))
    state.write(about)
    # The page calls port 4200 unless it is told another.
    os.environ["PREFECT_SERVER_UI_API_URL"] = api_url
    requests = LocalRequests(state.path.name, port)

    def around(app: object) -> LocalRequests:
        requests.app = app
        return requests

    serve_prefect(
        listening,
        until=lambda server: _end_when_unused(server, state, requests),
        around=around,
        on_ready=lambda: _begin(state, replace(about, ready=True)),
    )


def _begin(state: StateFolder, about: ServerState) -> None:
    state.write(about)
    Thread(target=end_killed_runs, args=[about.api_url], daemon=True).start()


def _end_when_unused(server: uvicorn.Server, state: StateFolder, requests: LocalRequests) -> None:
    """Asks the server to end when its time is over, and holds the lock of uses from then on until the process ends."""
    last_use = time.monotonic()
    while True:
        idle_seconds = state.read_idle_seconds()
        time.sleep(min(_LONGEST_PAUSE, idle_seconds / 4))
        lock = state.lock_use(exclusive=True)
        if lock is None:
            last_use = time.monotonic()
            continue
        last_use = max(last_use, requests.last_use)
        if time.monotonic() - last_use < idle_seconds:
            lock.close()
            continue
        server.should_exit = True
        Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
