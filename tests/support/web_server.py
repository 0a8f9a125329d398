"""A small site on this machine for tests of fetching: paths to answers, over real sockets."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Answer:
    """What the site sends for a path."""

    content: bytes = b""
    media_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    chunk_seconds: float = 0.0
    """The pause after each 100 bytes; the sender stops when the reader is gone."""
    cut_after: int | None = None
    """Sends that many bytes only, though it promised all."""


@contextmanager
def site(answers: Mapping[str, Answer]) -> Generator[tuple[str, list[str]]]:
    """Serves the answers. Yields `127.0.0.1:<port>` and the list of paths that were asked for, which grows."""
    asked = list[str]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = answers.get(self.path, Answer(b"not here", "text/plain", 404))
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.media_type)
            self.send_header("Content-Length", str(len(answer.content)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            content = answer.content[: answer.cut_after]
            step = 100 if answer.chunk_seconds else max(len(content), 1)
            try:
                for start in range(0, len(content), step):
                    self.wfile.write(content[start : start + step])
                    self.wfile.flush()
                    time.sleep(answer.chunk_seconds)
            except OSError:
                return

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
