"""Prefect's server in this process, for the servers that we start. Nothing here runs in the process of a command."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from agents.llms.gc_tuning import reduce_garbage_collection
from flows.server.database_lock import database_lock, sqlite_file
from flows.server.event_feed import is_in_feed

if TYPE_CHECKING:
    import uvicorn

SERVER_SETTINGS: Mapping[str, str] = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # With the default of one event a transaction, the recorder falls behind and its queue drops task runs.
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "200",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
}
"""Settings for any server that we start."""

_BUSY_TIMEOUT_SECONDS = 5
_FLUSH_SECONDS = 0.1
_SHUTDOWN_SECONDS = 5


def listen(port: int) -> socket.socket:
    """Returns a socket that listens on that port of this machine alone. Raises OSError when it is taken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


def serve_prefect(
    listening: socket.socket,
    until: Callable[[uvicorn.Server], None],
    around: Callable[[Any], Any] = lambda app: app,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serves Prefect on the socket. `until` is called in a thread, and ends the server by its `should_exit`.

    `around` wraps the ASGI application; `on_ready` is called when the server begins to answer.
    """
    # Importing the server makes very many objects that all stay; collecting in between only costs start-up time.
    gc.disable()
    import threading

    import uvicorn

    from flows.server.prefect_internals import keep_events, record_task_runs_after, server_application

    _set_busy_timeout()
    # A person waits for the last task runs of a run.
    record_task_runs_after(_FLUSH_SECONDS)
    keep_events(is_in_feed)
    reduce_garbage_collection()
    gc.enable()
    # Events come from this machine: compressing each of them costs more than sending it.
    config = uvicorn.Config(
        around(server_application()),
        log_level="error",
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if lock:
                lock.release()
            on_ready()

    server = Server(config)
    threading.Thread(target=until, args=[server], daemon=True).start()
    with database_lock(sqlite_file()) as lock:
        server.run(sockets=[listening])


def _set_busy_timeout() -> None:
    """Limits how long two threads of the server can wait for each other.

    A garbage collection may close a cursor of another thread's connection while that thread waits for SQLite's lock,
    and the thread that collects holds the lock. Prefect lets SQLite wait for a minute, in which nothing moves; an
    operation that fails because of a lock is tried again.
    """
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    @event.listens_for(Pool, "checkout")
    def set_timeout(connection: Any, *_: object) -> None:  # type: ignore[reportUnusedFunction]
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_SECONDS * 1000}")
        cursor.close()
