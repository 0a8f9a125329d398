"""Results in a folder: JSON files, written so that a kill leaves the old file or the new one, never half a file.

Prefect's own local storage opens the target and writes into it, so that another process can read half a reply there and
pay for it again.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from itertools import count
from pathlib import Path

from prefect.filesystems import LocalFileSystem

_temporary_numbers = count()
_NO_FILE = frozenset({errno.EISDIR, errno.ENOTDIR, errno.ELOOP})
"""A folder in its place, a file in the place of a folder above it, links that lead in a circle."""


class ResultFolder(LocalFileSystem):
    """A folder of results, whose absolute path is `basepath`; each file appears whole or not at all.

    Files are small, so they are read and written at once: handing them to a thread costs more than the disk does.
    """

    _block_type_name = "Buttermilk result folder"

    @classmethod
    def at(cls, folder: Path) -> ResultFolder:
        """The result folder at that path."""
        return cls(basepath=str(folder))

    async def aread_path(self, path: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        return _content(self._resolve_path(path))

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Writes a file beside the target and renames it to the target; returns its path."""
        return self.write_path(path, content)

    def write_path(self, path: str, content: bytes) -> str:  # type: ignore[reportIncompatibleMethodOverride]
        """Writes a file beside the target and renames it to the target; returns its path."""
        target = self._resolve_path(path)
        temporary = target.with_name(f".writing-{target.name}-{os.getpid()}-{next(_temporary_numbers)}")
        try:
            self._write_new(temporary, content)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return str(target)

    @property
    def address(self) -> str:
        """The folder's absolute path."""
        return str(self.basepath)

    @property
    def journal_folder(self) -> Path:
        """A folder of this machine for what is written line by line."""
        return self._resolve_path("spend")

    def read(self, path: str) -> bytes:
        """The whole file. Raises FileNotFoundError."""
        return _content(self._resolve_path(path))

    def put(self, path: str, content: bytes) -> None:
        """Writes the file; replaces one that is there."""
        self.write_path(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Writes the file unless there is one, also when others try at the same time; returns False if there is one."""
        target = self._resolve_path(path)
        temporary = target.with_name(f".writing-{target.name}-{os.getpid()}-{next(_temporary_numbers)}")
        try:
            self._write_new(temporary, content)
            # A link appears with its content, so that a kill leaves no lock that names nobody.
            os.link(temporary, target)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def remove(self, path: str) -> None:
        """Removes the file; does nothing if there is none.

        What stands in its way and is none of our files, a folder there or a file above, goes whole below `set_aside/`.
        """
        target = self._resolve_path(path)
        if obstacle := _obstacle(target, Path(self.basepath or ".")):
            self._set_obstacle_aside(obstacle)
        else:
            target.unlink(missing_ok=True)

    def _set_obstacle_aside(self, obstacle: Path) -> None:
        base = Path(self.basepath or ".")
        place = base / "set_aside" / obstacle.relative_to(base)
        place.parent.mkdir(parents=True, exist_ok=True)
        names = (place.with_name(f"{place.name}-in-the-way-{number}") for number in count(1))
        obstacle.rename(next(name for name in names if not name.exists()))

    def upload_file(self, path: str, file: Path) -> None:
        """Keeps a copy of a file of this machine."""
        target = self._resolve_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".writing-{target.name}-{os.getpid()}-{next(_temporary_numbers)}")
        shutil.copyfile(file, temporary)
        temporary.replace(target)

    def download_file(self, path: str, file: Path) -> None:
        """Copies a kept file to a file of this machine. Raises FileNotFoundError."""
        shutil.copyfile(self._resolve_path(path), file)

    async def acreate(self, path: str, content: bytes) -> bool:
        """As `create`."""
        return self.create(path, content)

    async def aremove(self, path: str) -> None:
        """As `remove`."""
        self.remove(path)

    @staticmethod
    def _write_new(file: Path, content: bytes) -> None:
        try:
            file.write_bytes(content)
        except FileNotFoundError:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def _resolve_path(self, path: str, validate: bool = False) -> Path:  # noqa: ARG002
        # Prefect's own method checks every part of the path on the disk; names here are digests and need no check.
        return Path(self.basepath or ".", path)


def _content(file: Path) -> bytes:
    """The whole file; nothing where something else stands in its place, such as a folder.

    Nothing of a pipe or a device either, for which a reader would wait, or read, without end.
    """
    try:
        with open(file, "rb", opener=_open_at_once) as opened:
            return opened.read() if stat.S_ISREG(os.fstat(opened.fileno()).st_mode) else b""
    except OSError as error:
        if error.errno in _NO_FILE:
            return b""
        raise


def _obstacle(target: Path, base: Path) -> Path | None:
    """A folder in the place of the file, or what is no folder in the place of one above it."""
    if target.is_dir() and not target.is_symlink():
        return target
    above = (folder for folder in target.parents if folder.is_relative_to(base) and folder != base)
    return next((folder for folder in above if os.path.lexists(folder) and not folder.is_dir()), None)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
