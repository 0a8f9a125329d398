"""Keeps the results of cells as Prefect writes them, each with its key and a digest, and decides which a run is served.

A cut cell is served to no run, because the same command is to fill it. A refusal is, unless the run asks refusals
again. A cell is no longer served when a person has answered otherwise about one of its calls. Results of which no run
is served are kept too, each under its task run: see `trace_path`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

from prefect.filesystems import WritableFileSystem
from pydantic import PrivateAttr

from contract.messages import AgentTrace
from flows.results.kept_file import AlteredFile, from_kept, to_kept
from flows.results.set_aside import SetAside
from flows.results.store import TRACES, ResultStore, cell_path, trace_path
from flows.results.trace_serializer import trace_in

_PERSON_ASKED = rb"\"answer\":{\"decision\":"
"""Stands in Prefect's record of a cell, which holds the trace as text, where a person was asked about a call."""
TraceCheck: TypeAlias = Callable[[AgentTrace], Awaitable[bool]]


class CellStorage(WritableFileSystem):
    """What Prefect uses as the storage of cells: a `ResultStore`, whose files are checked."""

    _block_type_name = "Buttermilk cells"

    _store: ResultStore = PrivateAttr()
    _set_aside: SetAside = PrivateAttr()
    _again: bool = PrivateAttr()
    _written: set[str] = PrivateAttr(default_factory=set[str])
    _still_holds: TraceCheck | None = PrivateAttr(default=None)

    @classmethod
    def over(
        cls, store: ResultStore, set_aside: SetAside, *, again: bool, still_holds: TraceCheck | None = None
    ) -> CellStorage:
        """The cells in `store`. With `again`, refusals of earlier runs are not served.

        `still_holds` says of a cell about whose calls of tools a person was asked whether the answers are still those.
        """
        storage = cls()
        storage._store, storage._set_aside, storage._again = store, set_aside, again
        storage._still_holds = still_holds
        return storage

    @property
    def address(self) -> str:
        """Where the storage is."""
        return self._store.address

    async def aread_path(self, path: str) -> bytes:
        """Prefect's record of a cell. Raises FileNotFoundError where there is none that this run is served."""
        if path.startswith(TRACES):
            raise FileNotFoundError(path)
        file, key = await self._store.aread_path(path), _key_of(path)
        try:
            content = _content(key, file)
        except AlteredFile as error:
            await self._set_aside.move_altered(path, file, error)
            raise FileNotFoundError(path) from error
        is_served = _is_served(content, again=self._again and key not in self._written)
        if not is_served or not await self._has_its_answers(content):
            await self._set_aside.move(path, file)
            raise FileNotFoundError(path)
        return content

    async def _has_its_answers(self, content: bytes) -> bool:
        """Whether what people answered about the cell's calls of tools is what they answer now."""
        # Few cells ask anybody, and need not be parsed twice.
        if self._still_holds is None or _PERSON_ASKED not in content:
            return True
        trace = _trace_in(content)
        return trace is None or await self._still_holds(trace)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Keeps Prefect's record of a cell; returns its address."""
        key = _key_of(path)
        self._written.add(key)
        return await self._store.awrite_path(path, to_kept(key, content))

    async def read_path(self, path: str) -> bytes:
        """As `aread_path`; Prefect needs it under both names."""
        return await self.aread_path(path)

    async def write_path(self, path: str, content: bytes) -> None:
        """As `awrite_path`."""
        await self.awrite_path(path, content)

    def _resolve_path(self, path: str) -> Path:
        # Prefect wants names of results to be below this one's. It names one without a key by some hexadecimal digits.
        return Path(path) if not path or "/" in path else Path(trace_path(path))


def read_cell(store: ResultStore, key: str, *, again: bool) -> AgentTrace | None:
    """The kept cell that a run would be served under `key`, or None. Changes nothing."""
    try:
        content = _content(key, store.read(cell_path(key)))
    except (OSError, AlteredFile):
        return None
    return _trace_in(content) if _is_served(content, again=again) else None


def read_trace(store: ResultStore, path: str) -> AgentTrace | None:
    """The trace in Prefect's record of a result; None where it holds none. Raises FileNotFoundError, AlteredFile."""
    try:
        record: Any = json.loads(_content(_key_of(path), store.read(path)))
        return trace_in(record["result"].encode())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, AlteredFile):
            raise
        return None


def _key_of(path: str) -> str:
    return path.rpartition("/")[2]


def _content(key: str, file: bytes) -> bytes:
    content = from_kept(key, file)
    # A cell's trace holds its key, also in the files of version 0.1.
    if key.encode() not in content:
        raise AlteredFile("it is not the result of that cell")
    return content


def _is_served(content: bytes, *, again: bool) -> bool:
    # Most cells are neither, and need not be parsed twice.
    if b"truncated" not in content and not (again and b"refused" in content):
        return True
    trace = _trace_in(content)
    return trace is None or trace.status not in ("truncated", *(("refused",) if again else ()))


def _trace_in(content: bytes) -> AgentTrace | None:
    """The trace in Prefect's record of a result; None where it holds another one, such as an error."""
    try:
        record: Any = json.loads(content)
        return AgentTrace.model_validate_json(record["result"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
