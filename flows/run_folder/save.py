"""Saves a finished run to the storages that its flow names under `save:`, one after the other.

The run's folder is complete and sealed before, so a failure here loses nothing of the run. It is reported, and the same
command saves the run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contract.errors import ButtermilkError
from flows.spec.study import Study
from flows.storage.factory import StorageFactory


@dataclass(frozen=True)
class SaveResult:
    """The result of saving a run to one storage."""

    storage: str
    """Its name in the study."""
    done: bool
    told: str
    """What was done, or why nothing was done. The name is a key of `--json`."""

    def __str__(self) -> str:
        if self.done:
            return f"Saved to {self.storage}: {self.told}"
        return f"Not saved to {self.storage}: {self.told}. The run's folder is complete; the same command saves it."


def save(study: Study, folder: Path) -> Sequence[SaveResult]:
    """Saves the run in `folder` to each of the study's `save:` storages; what fails at one does not stop the others."""
    return [_save(study, name, folder) for name in study.flow.save]


def _save(study: Study, name: str, folder: Path) -> SaveResult:
    try:
        return SaveResult(name, True, StorageFactory.saver(study.storage[name])(folder))
    except ButtermilkError as error:
        return SaveResult(name, False, str(error).rstrip("."))
    except Exception as error:  # any other error of a library: the run is complete, and must not be lost because of it
        return SaveResult(name, False, f"{type(error).__name__}: {error}")
