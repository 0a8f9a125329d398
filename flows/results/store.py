"""The methods of every storage of results, and where in it cells and replies are."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

GCS_SCHEME = "gs://"
"""How the address of a bucket begins."""


TRACES = "traces/"
"""How the paths of results begin of which no later run is served."""


class ResultStore(Protocol):
    """A folder or a bucket of results. Paths are relative, with `/` between their parts.

    A written file is there whole or not at all. Methods raise OSError when the storage fails.
    """

    @property
    def address(self) -> str:
        """Where it is: the absolute path of the folder, or `gs://bucket/prefix`."""
        ...

    @property
    def journal_folder(self) -> Path:
        """A folder of this machine for what is written line by line."""
        ...

    def read(self, path: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        ...

    def put(self, path: str, content: bytes) -> None:
        """Writes the file; replaces one that is there."""
        ...

    def create(self, path: str, content: bytes) -> bool:
        """Writes the file unless there is one, also when others try at the same time; returns False if there is one."""
        ...

    def remove(self, path: str) -> None:
        """Removes the file; does nothing if there is none."""
        ...

    def upload_file(self, path: str, file: Path) -> None:
        """Keeps a copy of a file of this machine, however large."""
        ...

    def download_file(self, path: str, file: Path) -> None:
        """Copies a kept file to a file of this machine. Raises FileNotFoundError."""
        ...

    async def aread_path(self, path: str) -> bytes:
        """As `read`, without blocking the event loop if reading takes long."""
        ...

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Keeps a result; returns its address."""
        ...

    async def acreate(self, path: str, content: bytes) -> bool:
        """As `create`, without blocking the event loop."""
        ...

    async def aremove(self, path: str) -> None:
        """As `remove`, without blocking the event loop."""
        ...


def cell_path(key: str) -> str:
    """Where the result of the cell with that cache key is kept."""
    return f"cells/{key[:1]}/{key}"


def trace_path(name: str) -> str:
    """Where the result of a task run is kept that no later run is served: of a failed one, a cut one, a free one."""
    return f"{TRACES}{name[:1]}/{name}"


def reply_path(key: str) -> str:
    """Where the reply to the request with that key is kept."""
    return f"replies/{key[:1]}/{key}"


def tool_result_path(key: str) -> str:
    """Where the result of the call of a tool with that key is kept."""
    return f"tools/{key[:1]}/{key}"


def question_path(key: str) -> str:
    """Where it is kept when the question with that key was asked first."""
    return f"questions/{key[:1]}/{key}"


def answers_path(key: str) -> str:
    """Where people's answers to the question with that key are kept."""
    return f"answers/{key[:1]}/{key}"


def form_path(key: str) -> str:
    """Where it is kept on which forms the question with that key was shown."""
    return f"forms/{key[:1]}/{key}"


def page_address_path(key: str) -> str:
    """Where the page of the address with that digest is kept."""
    return f"pages_by_address/{key[:1]}/{key}"


def page_path(sha256: str) -> str:
    """Where the bytes of a web page with that digest are kept."""
    return f"pages/{sha256[:1]}/{sha256}"
