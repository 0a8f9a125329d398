"""Cloud Storage as LanceDB uses it, over its XML API, in memory: the emulator's XML API can only read.

with object_service() as url:
    storage = VectorStorage(..., path="gs://any/collections", endpoint=url)
"""

from __future__ import annotations

import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass
class FakeObjectStore:
    """The objects, name with bucket -> generation and bytes; and the service's address."""

    url: str
    objects: dict[str, tuple[int, bytes]] = field(default_factory=dict[str, tuple[int, bytes]])
    generations: int = 0

    def put(self, name: str, content: bytes, if_generation_match: str | None) -> int | None:
        """Keeps an object; returns its generation, or None when it has another one than the request names."""
        generation = self.objects.get(name, (0, b""))[0]
        if if_generation_match is not None and int(if_generation_match) != generation:
            return None
        self.generations += 1
        self.objects[name] = (self.generations, content)
        return self.generations

    def listing(self, bucket: str, query: dict[str, list[str]]) -> bytes:
        """The objects below a prefix as XML; each name up to the delimiter once."""
        prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
        names = sorted(
            name.removeprefix(f"{bucket}/") for name in self.objects if name.startswith(f"{bucket}/{prefix}")
        )
        files, folders = list[str](), dict[str, None]()
        for name in names:
            inner, found, _ = name.removeprefix(prefix).partition(delimiter) if delimiter else ("", "", "")
            if found:
                folders[f"{prefix}{inner}{delimiter}"] = None
            else:
                files.append(name)
        entries = [self._entry(bucket, name) for name in files if name > query.get("start-after", [""])[0]]
        entries += [f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders]
        return f"<ListBucketResult><KeyCount>{len(entries)}</KeyCount>{''.join(entries)}</ListBucketResult>".encode()

    def _entry(self, bucket: str, name: str) -> str:
        generation, content = self.objects[f"{bucket}/{name}"]
        return (
            f"<Contents><Key>{escape(name)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            f"<ETag>{generation}</ETag><Size>{len(content)}</Size></Contents>"
        )


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.objects = FakeObjectStore(f"http://127.0.0.1:{self.server_port}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _service(self) -> _Server:
        assert isinstance(self.server, _Server)
        return self.server

    def _split(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return unquote(parts.path).lstrip("/"), parse_qs(parts.query, keep_blank_values=True)

    def do_GET(self) -> None:
        name, query = self._split()
        with self._service.lock:
            if "list-type" in query:
                self._answer(200, self._service.objects.listing(name.rstrip("/"), query))
                return
            there = self._service.objects.objects.get(name)
        if there is None:
            self._answer(404)
            return
        generation, content = there
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range") or "")
        if wanted is None:
            self._answer(200, content, generation)
            return
        first = int(wanted[1]) if wanted[1] else max(len(content) - int(wanted[2]), 0)
        last = min(int(wanted[2]), len(content) - 1) if wanted[1] and wanted[2] else len(content) - 1
        part = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        self._answer(206, content[first : last + 1], generation, part)

    do_HEAD = do_GET  # noqa: N815

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self._service.lock:
            generation = self._service.objects.put(
                self._split()[0], content, self.headers.get("x-goog-if-generation-match")
            )
        self._answer(412 if generation is None else 200, generation=generation)

    def do_DELETE(self) -> None:
        with self._service.lock:
            gone = self._service.objects.objects.pop(self._split()[0], None)
        self._answer(404 if gone is None else 204)

    def _answer(
        self, status: int, body: bytes = b"", generation: int | None = None, more: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        headers = {
            "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT",
            "Content-Length": str(len(body)),
            **(more or {}),
        }
        if generation is not None:
            headers |= {"ETag": str(generation), "x-goog-generation": str(generation)}
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def object_service() -> Generator[FakeObjectStore]:
    """The service for the length of the block."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.objects
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
