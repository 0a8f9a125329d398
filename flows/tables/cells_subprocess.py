"""Writes the tables of a large run's cells in a process of its own, so that another processor core does the work."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import RunError
from flows.files.run_data import RunData
from flows.tables.cells import write_cells


@contextmanager
def write_cells_in_subprocess(folder: Path) -> Generator[None]:
    """Writes the tables during the block, with the same bytes as `write_cells`.

    They are complete when the block has ended. Raises RunError with the reason where they could not be written.
    """
    process = subprocess.Popen(  # noqa: S603 - our own module, our own interpreter
        [sys.executable, "-P", "-m", "flows.tables.cells_subprocess", str(folder)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
    finally:
        error_output = process.communicate()[1].strip()
    if process.returncode:
        why = error_output.splitlines()[-1] if error_output else f"the process ended with {process.returncode}"
        raise RunError(f"the tables of cells could not be written: {why}")


def main(folder: Path) -> None:
    """Writes the tables of the run in that folder; exits with the reason where it cannot."""
    try:
        write_cells(RunData.open(folder))
    except RunError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
