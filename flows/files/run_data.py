"""RunData: a finished run's folder as the tables and the report read it, and nothing but that folder.

Everything that is derived from a run is derived from here, so that any reader can derive it again, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.errors import RunError
from contract.flow import FlowSpec
from contract.messages import AgentTrace
from flows.files.regular_file import refuse_unless_regular


@dataclass(frozen=True)
class RunData:
    """`answers.jsonl` and `manifest.json` of one run."""

    folder: Path
    manifest: Mapping[str, Any]
    spec: FlowSpec

    @classmethod
    def open(cls, folder: Path) -> RunData:
        """The run in that folder. Raises RunError when the folder is not a run, or the run never finished."""
        for name in ("manifest.json", "answers.jsonl"):
            refuse_unless_regular(folder / name)
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            return cls(folder, manifest, FlowSpec.model_validate(manifest["flow_spec"]))
        except FileNotFoundError:
            raise RunError(f"{folder} holds no finished run: there is no manifest.json") from None
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunError(f"{folder}/manifest.json cannot be read: {error}") from error

    @property
    def size(self) -> int:
        """Bytes of `answers.jsonl`; 0 where there is none."""
        path = self.folder / "answers.jsonl"
        return path.stat().st_size if path.exists() else 0

    def traces(self) -> Iterator[AgentTrace]:
        """Every cell of the run, one at a time, in the order of `answers.jsonl`. Raises RunError if unreadable."""
        try:
            with (self.folder / "answers.jsonl").open(encoding="utf-8") as lines:
                for number, line in enumerate(lines, start=1):
                    yield _parse_trace(line, number, self.folder)
        except OSError as error:
            raise RunError(f"{self.folder}/answers.jsonl cannot be read: {error.strerror or error}") from error
        except UnicodeDecodeError as error:
            raise RunError(f"{self.folder}/answers.jsonl is damaged: it is not text in UTF-8") from error


def _parse_trace(line: str, number: int, folder: Path) -> AgentTrace:
    try:
        return AgentTrace.model_validate_json(line)
    except ValueError as error:
        raise RunError(f"{folder}/answers.jsonl:{number}: not a cell: {error}") from error
