"""Opens the storage of results that a study names: a folder, or a bucket."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from agents.safety.paths import expanded, is_folder
from contract.errors import StorageError
from flows.files.cache import cache_folder
from flows.files.os_error import os_error_text
from flows.results.store import GCS_SCHEME, ResultStore


def result_store(configured: str | None) -> ResultStore:
    """Where a study's results are kept: cells below `cells/`, model replies below `replies/`.

    Makes the folder if there is none. Raises StorageError when nothing can be kept there.
    """
    if configured and configured.startswith(GCS_SCHEME):
        from flows.results.bucket import open_bucket

        return open_bucket(configured)
    folder = Path(place_of_results(configured))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StorageError(
            f"cannot keep results in {folder}: {os_error_text(error)}; "
            "set run.results=… to a folder that can be written"
        ) from error
    # Here, because it imports Prefect: a check of a study needs none, and a program first says how loud that shall be.
    from flows.results.folder import ResultFolder

    return ResultFolder.at(folder)


def results_to_read(configured: str | None) -> ResultStore:
    """The same for whoever only reads there, such as in storage that is mounted read-only. Makes no folder.

    Raises StorageError where there is no such folder, or the bucket cannot be reached.
    """
    if configured and configured.startswith(GCS_SCHEME):
        from flows.results.bucket import open_bucket

        return open_bucket(configured, reading=True)
    folder = Path(place_of_results(configured))
    if not is_folder(folder):
        raise StorageError(f"there is no folder {folder}; name the one, or the bucket, where the run kept its results")
    from flows.results.folder import ResultFolder

    return ResultFolder.at(folder)


def place_of_results(configured: str | None) -> str:
    """The folder or the bucket, as it is written in messages."""
    if configured and configured.startswith(GCS_SCHEME):
        return configured
    return str(expanded(Path(configured) if configured else cache_folder() / "results").absolute())
