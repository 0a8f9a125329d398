"""Zotero's API, version 3, as the program on this machine and Zotero's own service speak it; and plain addresses.

    with ZoteroApi(storage) as api:
        entries = api.entries()

The two differ in what is long or short, and in who may read: the service wants a key, the program a setting.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httpx

from contract.errors import StorageError
from contract.secrets import is_loopback_host
from contract.zotero import ZoteroStorage
from flows.config.diagnostics import closest_name, join_names
from flows.storage.zotero.csl import read_items

_PAGE = 100
"""Entries of one answer, the most that the service gives."""
_MOST_WAITS = 4
_LONGEST_WAIT_SECONDS = 60.0
_MOST_PAGES = 10_000
_SWITCHED_OFF = (
    "Zotero is running, but does not let other programs read it; in Zotero's settings, under Advanced, tick "
    "“Allow other applications on this computer to communicate with Zotero”"
)


class ZoteroApi:
    """One library; use it as a context manager. Every method raises StorageError, in plain words."""

    def __init__(self, storage: ZoteroStorage) -> None:
        """Sends nothing yet."""
        self._storage = storage
        self._name = storage.origin
        here = is_loopback_host(urlsplit(storage.origin).hostname or "")
        headers = {"Zotero-API-Version": "3"}
        if storage.is_web and storage.api_key is not None:
            headers["Zotero-API-Key"] = storage.api_key.get_secret_value()
        # A redirect is never followed: the key would go with it.
        self._client = httpx.Client(
            headers=headers, timeout=storage.timeout_seconds, follow_redirects=False, trust_env=not here
        )
        self._prefix = self._library_address()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def state(self) -> list[str]:
        """What changes when an entry or a file of the library does."""
        if not self._prefix:
            return [self._get(self._storage.library or "").text]
        answer = self._get(f"{self._place()}/items", {"limit": 1, "sort": "dateModified", "direction": "desc"})
        newest = [str(one.get("data", {}).get("dateModified")) for one in _objects(answer, self._name)]
        return [answer.headers.get(name, "") for name in ("Total-Results", "Last-Modified-Version")] + newest

    def entries(self) -> list[Mapping[str, Any]]:
        """Every entry of the library or collection, in CSL-JSON."""
        if not self._prefix:
            return read_items(self._get(self._storage.library or "").text, self._storage.library or "")
        pages = self._pages(f"{self._place()}/items/top", {"format": "csljson"})
        found = list[Mapping[str, Any]]()
        for page in pages:
            _json(page, self._name)  # another server's page is no export gone wrong
            found += read_items(page.text, self._name)
        return found

    def attachments(self) -> list[Mapping[str, Any]]:
        """The data of every attachment of those entries."""
        if not self._prefix:
            return []
        pages = self._pages(f"{self._place()}/items", {"format": "json", "itemType": "attachment"})
        found = [one.get("data") for page in pages for one in _objects(page, self._name)]
        return [cast("Mapping[str, Any]", data) for data in found if isinstance(data, Mapping)]

    def file_address(self, key: str) -> str | None:
        """Where the program on this machine keeps the file of an attachment, as a `file:` address; None for none."""
        answer = self._get(f"{self._prefix}/items/{key}/file/view/url", missing=True)
        return answer.text.strip() if answer.status_code == HTTPStatus.OK else None

    def full_text(self, key: str) -> str | None:
        """What Zotero itself has read of an attachment, without pages; None where it has not."""
        answer = self._get(f"{self._prefix}/items/{key}/fulltext", missing=True)
        if answer.status_code != HTTPStatus.OK:
            return None
        content = _json(answer, self._name)
        text = cast("Mapping[str, Any]", content).get("content") if isinstance(content, Mapping) else None
        return text if isinstance(text, str) and text.strip() else None

    def file(self, key: str) -> bytes | str | None:
        """The file of an attachment at Zotero's service: its bytes, the address where they are, or None."""
        answer = self._get(f"{self._prefix}/items/{key}/file", missing=True, moved=True)
        if answer.is_redirect:
            return answer.headers.get("location", "")
        return answer.content if answer.status_code == HTTPStatus.OK else None

    def _library_address(self) -> str:
        storage, library = self._storage, self._storage.library or ""
        if storage.is_local:
            return f"{storage.origin}/api/{library.removeprefix('local/') if '/' in library else 'users/0'}"
        return f"{storage.origin}/{library}" if storage.is_web else ""

    def _place(self) -> str:
        """The address of the library, or of the collection in it."""
        wanted = self._storage.collection
        if wanted is None:
            return self._prefix
        pages = self._pages(f"{self._prefix}/collections", {})
        collections = [one for page in pages for one in _objects(page, self._name)]
        names = {str(one.get("data", {}).get("name")): str(one.get("key")) for one in collections}
        key = names.get(wanted) or (wanted if wanted in names.values() else None)
        if key is None:
            near = closest_name(wanted, names)
            hint = f"; did you mean '{near}'?" if near else ""
            raise StorageError(f"the library has no collection '{wanted}'{hint}; it has {join_names(names) or 'none'}")
        return f"{self._prefix}/collections/{key}"

    def _pages(self, address: str, parameters: Mapping[str, Any]) -> Iterator[httpx.Response]:
        start = 0
        for _ in range(_MOST_PAGES):
            answer = self._get(address, {**parameters, "start": start, "limit": _PAGE})
            yield answer
            start += _PAGE
            total = answer.headers.get("Total-Results", "")
            if not total.isdigit() or start >= int(total):
                return
        raise StorageError(f"{self._name} counts more than {_MOST_PAGES * _PAGE:,} entries, so it is not read")

    def _get(
        self, address: str, parameters: Mapping[str, Any] | None = None, *, missing: bool = False, moved: bool = False
    ) -> httpx.Response:
        """The answer. `missing`: it may be that there is none; `moved`: that it is elsewhere."""
        answer = self._send(address, parameters)
        for _ in range(_MOST_WAITS):
            if (wait := _wait_seconds(answer)) is None:
                break
            time.sleep(wait)  # the service says for how long
            answer = self._send(address, parameters)
        if answer.status_code == HTTPStatus.OK or (missing and answer.status_code == HTTPStatus.NOT_FOUND):
            return answer
        if answer.is_redirect and moved:
            return answer
        raise StorageError(self._refusal(answer))

    def _send(self, address: str, parameters: Mapping[str, Any] | None) -> httpx.Response:
        try:
            with self._client.stream("GET", address, params=parameters) as answer:
                content = bytearray()
                for block in answer.iter_bytes():
                    content += block
                    if len(content) > self._storage.most_bytes:
                        raise StorageError(f"{self._name} sends more than {self._storage.most_bytes:,} bytes at once")
                headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
                return httpx.Response(answer.status_code, headers=headers, content=bytes(content))
        except (httpx.ConnectError, httpx.ConnectTimeout):
            todo = (
                "start Zotero, version 7 or later" if self._storage.is_local else "check the network, and the address"
            )
            raise StorageError(f"nothing answers at {self._name}; {todo}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StorageError(f"{self._name} gave no whole answer: {type(error).__name__}") from None

    def _refusal(self, answer: httpx.Response) -> str:
        status = answer.status_code
        if status == HTTPStatus.FORBIDDEN and self._storage.is_local:
            return _SWITCHED_OFF
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) and self._storage.is_web:
            variable = self._storage.api_key_env
            has_key = "the key may not read this library" if self._storage.api_key else "this library needs a key"
            return (
                f"{self._name}: {has_key}; make one at https://www.zotero.org/settings/keys, and set {variable} to it"
            )
        if status == HTTPStatus.NOT_FOUND:
            return f"{self._name} has no library '{self._storage.library}'; check its number"
        if answer.is_redirect:
            return f"{self._name} sends elsewhere, which is not followed; write the last address"
        return f"{self._name} does not answer as Zotero does (HTTP {status})"


def _wait_seconds(answer: httpx.Response) -> float | None:
    """For how long the service asks to wait; None where it does not say, or asks for more than a minute."""
    if answer.status_code not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return None
    asked = answer.headers.get("Retry-After") or answer.headers.get("Backoff") or ""
    return float(asked) if asked.isdigit() and float(asked) <= _LONGEST_WAIT_SECONDS else None


def _json(answer: httpx.Response, name: str) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError):
        raise StorageError(f"{name} does not answer in JSON, as Zotero does") from None


def _objects(answer: httpx.Response, name: str) -> list[Mapping[str, Any]]:
    found = _json(answer, name)
    if not isinstance(found, list):
        raise StorageError(f"{name} does not answer with a list, as Zotero does")
    return [cast("Mapping[str, Any]", one) for one in cast("list[Any]", found) if isinstance(one, Mapping)]
