"""A service of Google's as its clients meet it over HTTP, answering as a test says; and an address where nobody is.

with service(answers) as found:
    storage = BigQueryStorage(..., endpoint=found.url)
    ...
found.asked("POST", "/queries")
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from flows.server.private_server import free_port


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as it came."""

    method: str
    path: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


Answer = tuple[int, Any]
"""Status, and what is sent as JSON."""


@dataclass
class Service:
    """Where it is, and every request that it got."""

    url: str
    requests: list[ReceivedRequest] = field(default_factory=list[ReceivedRequest])

    def matching(self, method: str, part: str) -> list[ReceivedRequest]:
        """The requests of that method whose path holds `part`."""
        return [one for one in self.requests if one.method == method and part in one.path]


@contextmanager
def service(answers: Callable[[ReceivedRequest], Answer]) -> Generator[Service]:
    """A service for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            request = ReceivedRequest(
                self.command, self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0))
            )
            found.requests.append(request)
            status, content = answers(request)
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            # Whoever waited no longer has hung up.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Service(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def error_response(status: int, reason: str, message: str) -> Answer:
    """An error as Google's services send it."""
    return status, {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}


def unused_address() -> str:
    """An address on this machine where no one listens."""
    return f"http://127.0.0.1:{free_port()}"
