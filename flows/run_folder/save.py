"""Saving: a finished run to the storages that its flow names under `save:`, one after the other.

The run's folder is complete and sealed before, so whatever goes wrong here, nothing of the run is lost: what could not
be saved is told, and the same command saves it.
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
    """What became of a run at one storage."""

    storage: str
    """Its name in the study."""
    done: bool
    told: str
    """What was done, or why nothing was."""

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
    except Exception as error:  # whatever else a library raises: the run is done, and must not be lost over it
        return SaveResult(name, False, f"{type(error).__name__}: {error}")
