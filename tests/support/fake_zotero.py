"""A fake Zotero at the network's edge: the program's local API, Zotero's own service, and Better BibTeX's export.

    with FakeZotero() as zotero:
        zotero.add("AAAAAAA1", {"type": "book", "title": "Ferries"}, FakeFile("ferries.pdf", content))
        ...  # storages with `endpoint: zotero.url`

What differs between the two is as the real ones do it: the program answers 403 while the setting is off, writes ids as
addresses, gives everything at once and files as `file:` addresses; the service wants a key, gives at most 100 entries
at once, wraps CSL-JSON in an object, and redirects to where a file is.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

KEY = "a-key-of-24-characters-xy"
GROUP = "groups/77"


@dataclass
class FakeFile:
    """A file of an entry, and how Zotero describes it."""

    filename: str
    content: bytes = b""
    address: str | None = None
    """The `file:` address that the program gives; None for where an imported file is."""
    link_mode: str = "imported_file"
    full_text: str | None = None
    moved_to: str | None = None
    """Where the service says that the file is."""
    key: str = ""
    parent: str = ""


@dataclass
class FakeZotero:
    """The state of the library; tests change it between requests."""

    storage: Path = Path()
    """The program's folder of files."""
    switched_on: bool = True
    busy: int = 0
    """How many requests are answered with 429 first."""
    version: int = 10
    entries: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    files: dict[str, FakeFile] = field(default_factory=dict[str, FakeFile])
    collections: dict[str, tuple[str, list[str]]] = field(default_factory=dict[str, tuple[str, list[str]]])
    """Key -> name and keys of entries."""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    """The address and the headers of every request."""

    def add(self, key: str, csl: dict[str, Any] | None, *files: FakeFile) -> None:
        """Adds an entry with its files; without `csl`, files that have no entry."""
        if csl is not None:
            self.entries[key] = csl
        for number, file in enumerate(files):
            file.key, file.parent = f"{key[:-1]}{'XYZ'[number]}", key if csl is not None else ""
            self.files[file.key] = file
            if file.link_mode.startswith("imported") and self.storage != Path() and file.address is None:
                folder = self.storage / file.key
                folder.mkdir(parents=True, exist_ok=True)
                (folder / file.filename).write_bytes(file.content)
        self.version += 1

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, address: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a request."""
        parts = urlsplit(address)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if self.busy:
            self.busy -= 1
            return 429, {"Retry-After": "0"}, b""
        if parts.path.startswith("/plain/"):
            return 200, {"Content-Type": "text/html"}, b"<p>Some other server.</p>"
        if parts.path.startswith("/better-bibtex/"):
            items = [{**csl, "id": f"key{key}"} for key, csl in self.entries.items()]
            return 200, {"Content-Type": "application/json"}, json.dumps(items).encode()
        if parts.path.startswith("/stored/"):
            assert "Zotero-API-Key" not in headers, "the key went where the files are"
            return 200, {"Content-Type": "application/pdf"}, self.files[parts.path.rpartition("/")[2]].content
        if parts.path.startswith("/api/"):
            if not self.switched_on:
                return 403, {"Content-Type": "text/plain"}, b"Local API is not enabled"
            return self._library(parts.path.removeprefix("/api/"), query, is_local=True)
        if headers.get("Zotero-API-Key") != KEY:
            return 403, {"Content-Type": "text/plain"}, b"Forbidden"
        return self._library(parts.path.lstrip("/"), query, is_local=False)

    def _library(self, path: str, query: dict[str, str], *, is_local: bool) -> tuple[int, dict[str, str], bytes]:
        prefix, _, rest = path.partition("/items")
        library, _, collection = prefix.partition("/collections/")
        if library.removesuffix("/collections") not in ("users/0", "users/5", GROUP):
            return 404, {}, b"Not found"
        if prefix.endswith("/collections"):
            found = [{"key": key, "data": {"name": name}} for key, (name, _) in self.collections.items()]
            return self._list(found, query, is_local=is_local)
        if collection and collection not in self.collections:
            return 404, {}, b"Collection not found"
        keys = self.collections[collection][1] if collection else [*self.entries]
        if rest == "/top":
            wanted = [(key, csl) for key, csl in self.entries.items() if key in keys]
            return self._csl(wanted, query, is_local=is_local)
        if rest == "":
            parents = {*keys, ""} if not collection else set(keys)
            files = [file for file in self.files.values() if file.parent in parents]
            if query.get("itemType") != "attachment":
                newest = [{"key": "x", "data": {"dateModified": f"2026-01-01T00:00:{self.version:02d}Z"}}]
                return self._list(newest, query, is_local=is_local)
            return self._list([self._described(file) for file in files], query, is_local=is_local)
        return self._file(rest.strip("/"), is_local=is_local)

    def _csl(
        self, wanted: list[tuple[str, dict[str, Any]]], query: dict[str, str], *, is_local: bool
    ) -> tuple[int, dict[str, str], bytes]:
        assert query["format"] == "csljson"
        address = "http://zotero.org/users/local/abc/items/{}" if is_local else "77/{}"
        items = [{**csl, "id": address.format(key)} for key, csl in wanted]
        return self._list(items, query, is_local=is_local, wrapped=not is_local)

    def _list(
        self, found: list[Any], query: dict[str, str], *, is_local: bool, wrapped: bool = False
    ) -> tuple[int, dict[str, str], bytes]:
        start, limit = int(query.get("start", 0)), int(query.get("limit", len(found) if is_local else 25))
        part = found[start : start + (limit if is_local else min(limit, 100))]
        headers = {
            "Content-Type": "application/json",
            "Total-Results": str(len(found)),
            "Last-Modified-Version": str(0 if is_local else self.version),
        }
        return 200, headers, json.dumps({"items": part} if wrapped else part).encode()

    def _described(self, file: FakeFile) -> dict[str, Any]:
        data = {"key": file.key, "itemType": "attachment", "linkMode": file.link_mode, "title": file.filename}
        if file.parent:
            data["parentItem"] = file.parent
        data |= {"filename": file.filename, "contentType": "application/pdf", "dateAdded": "2026-01-01T00:00:00Z"}
        if file.link_mode.startswith("imported"):
            data["md5"] = md5(file.content, usedforsecurity=False).hexdigest()
        return {"key": file.key, "version": self.version, "data": data}

    def _file(self, rest: str, *, is_local: bool) -> tuple[int, dict[str, str], bytes]:
        key, _, what = rest.partition("/")
        file = self.files.get(key)
        if file is None:
            return 404, {}, b"Not found"
        if what == "fulltext":
            content = json.dumps({"content": file.full_text, "indexedPages": 1, "totalPages": 1}).encode()
            return (200, {"Content-Type": "application/json"}, content) if file.full_text else (404, {}, b"Not found")
        if what == "file/view/url" and is_local:
            address = file.address or (self.storage / key / file.filename).as_uri()
            return 200, {"Content-Type": "text/plain"}, address.encode()
        if what == "file" and not is_local:
            return 302, {"Location": file.moved_to or f"{self.url}/stored/{key}"}, b""
        return 404, {}, b"Not found"


def _handler(zotero: FakeZotero) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = dict(self.headers.items())
            zotero.asked.append((self.path, headers))
            status, sent, body = zotero.answer(self.path, headers)
            self.send_response(status)
            for name, value in {"Zotero-API-Version": "3", "Content-Length": str(len(body)), **sent}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    return Handler
