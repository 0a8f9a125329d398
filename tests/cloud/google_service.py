"""A fake of a Google service over HTTP that answers as a test decides; and an address where nothing listens.

with service(answers) as found:
    storage = BigQueryStorage(..., endpoint=found.url)
    ...
found.matching("POST", "/queries")
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from flows.server.private_server import free_port
from tests.support.services import QuietHandler, http_server


@dataclass(frozen=True)
class ReceivedRequest:
    """One request as it was received."""

    method: str
    path: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


Answer = tuple[int, Any]
"""Status and JSON body of a response."""


@dataclass
class Service:
    """The service's address, and every request that it received."""

    url: str
    requests: list[ReceivedRequest] = field(default_factory=list[ReceivedRequest])

    def matching(self, method: str, part: str) -> list[ReceivedRequest]:
        """The requests of that method whose path holds `part`."""
        return [one for one in self.requests if one.method == method and part in one.path]


@contextmanager
def service(answers: Callable[[ReceivedRequest], Answer]) -> Generator[Service]:
    """A service for the length of the block."""

    class Handler(QuietHandler):
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
            # A client that no longer waits has closed the connection.
            with suppress(ConnectionError):
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815

    with http_server(Handler) as url:
        found = Service(url)
        yield found


def error_response(status: int, reason: str, message: str) -> Answer:
    """An error as Google's services send it."""
    return status, {"error": {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}}


def unused_address() -> str:
    """An address on this machine where nothing listens."""
    return f"http://127.0.0.1:{free_port()}"
