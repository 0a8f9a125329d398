"""A proxy before an emulator that is cut at a chosen request: it kills the emulator and sends no answer."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.cloud.emulators import Emulator
from tests.support.services import QuietHandler, http_server

RequestMatcher = Callable[[str, str, bytes], bool]
"""Method, path and body of a request -> whether the proxy is cut at it."""
_UNFORWARDED_HEADERS = frozenset({"connection", "transfer-encoding", "content-length", "server", "date"})


@dataclass
class CutProxy:
    """The proxy's address, and the request at which it is cut."""

    url: str
    when: RequestMatcher | None = None
    after_response: bool = False
    """Whether the emulator has done what the request asked before it is killed."""
    has_cut: bool = False


@contextmanager
def cut_proxy(emulator: Emulator) -> Generator[CutProxy]:
    """A proxy before the emulator for the length of the block; forwards everything until `when` is set."""
    lock = threading.Lock()

    class Handler(QuietHandler):
        protocol_version = "HTTP/1.1"

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            with lock:
                matched = not proxy.has_cut and proxy.when is not None and proxy.when(self.command, self.path, body)
                proxy.has_cut = proxy.has_cut or matched
            if matched and not proxy.after_response:
                emulator.kill()
            answer = self._answer(body)
            if matched and proxy.after_response:
                emulator.kill()
            if answer is None or matched:
                self.close_connection = True
                return
            status, headers, content = answer
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _UNFORWARDED_HEADERS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _answer(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes] | None:
            connection = http.client.HTTPConnection(urlsplit(emulator.url).netloc, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _UNFORWARDED_HEADERS}
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            except OSError:
                return None
            finally:
                connection.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _forward  # noqa: N815

    with http_server(Handler) as url:
        proxy = CutProxy(url)
        yield proxy
