"""Unpacks a packed table (.gz, .bz2, .xz, .zip) into a temporary folder, within bounds of its size."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from contract.errors import StorageError
from flows.config.diagnostics import join_names

MAX_UNPACKED_BYTES = 4_000_000_000
"""A small file can unpack to one that fills the disk."""
_BLOCK_BYTES = 1 << 20
PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zip")
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


@contextmanager
def unpacked(path: Path) -> Generator[Path]:
    """The unpacked file, for as long as the block lasts; its name is that within the package, never its folder.

    Raises StorageError when the file is damaged or locked, holds several files, or unpacks to more than
    `MAX_UNPACKED_BYTES`.
    """
    with tempfile.TemporaryDirectory(prefix="buttermilk-") as folder:
        try:
            if path.suffix.lower() == ".zip":
                with zipfile.ZipFile(path) as archive:
                    member = _only_member(archive, path)
                    target = Path(folder) / Path(member.filename.replace("\\", "/")).name
                    with archive.open(member) as source:
                        _copy(source, target, path)
            else:
                target = Path(folder) / path.stem
                with _opened(path) as source:
                    _copy(source, target, path)
        except _DAMAGE as error:
            raise StorageError(f"{path} cannot be unpacked: {error}; unpack it, and name the file in it") from None
        yield target


def _opened(path: Path) -> IO[bytes]:
    opens: Any = {".gz": gzip, ".bz2": bz2, ".xz": lzma}[path.suffix.lower()]
    return cast("IO[bytes]", opens.open(path, "rb"))


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [one for one in archive.infolist() if not one.is_dir() and not _is_hidden(one.filename)]
    if len(members) != 1:
        holds = join_names([one.filename for one in members]) if members else "no file"
        raise StorageError(f"{path} holds {holds}; unpack it, and name one file or its folder")
    return members[0]


def _is_hidden(name: str) -> bool:
    parts = Path(name.replace("\\", "/")).parts
    return not parts or parts[-1].startswith(".") or "__MACOSX" in parts


def _copy(source: IO[Any], target: Path, path: Path) -> None:
    size = 0
    with target.open("wb") as file:
        while block := source.read(_BLOCK_BYTES):
            size += len(block)
            if size > MAX_UNPACKED_BYTES:
                raise StorageError(f"{path} unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000_000} GB")
            file.write(block)
