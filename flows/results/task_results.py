"""Finds the trace of a task run, given what Prefect's server says of its result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from agents.safety.paths import is_folder
from contract.errors import RunError, StorageError
from contract.messages import AgentTrace
from flows.results.cells import read_trace
from flows.results.kept_file import AlteredFile
from flows.results.open import place_of_results, results_to_read
from flows.results.store import GCS_SCHEME, ResultStore

_ADDRESS = re.compile(r"(?:(?P<place>.+)/)?(?P<path>(?:cells|traces)/[0-9a-f]/[0-9a-f]+)")
_STATUS_OF_STATE: Mapping[str, frozenset[str]] = {
    "Completed": frozenset({"completed"}),
    "Refused": frozenset({"refused"}),
    "Truncated": frozenset({"truncated"}),
    "Cached": frozenset({"completed", "refused"}),
}
"""Name of a task run's state -> how its cell ended; another state is one of a cell without an output."""


def find_trace(storage_key: Any, state_name: str, results: str | None) -> AgentTrace:
    """The trace at that address, in the storage `results` where one is given.

    A folder that is not on this machine is looked for in the usual place of results. Raises RunError.
    """
    address = _ADDRESS.fullmatch(storage_key) if isinstance(storage_key, str) else None
    if address is None:
        raise RunError("its result is none of an agent: only steps' calls of agents have a trace")
    for store in _stores(address["place"], results):
        try:
            trace = read_trace(store, address["path"])
        except FileNotFoundError:
            continue
        except (AlteredFile, OSError) as error:
            raise RunError(f"its trace at {storage_key} cannot be read: {error}") from error
        if trace is None or not _fits(trace, state_name):
            raise RunError(f"its result at {storage_key} was replaced since by another answer to the same question")
        return trace
    where = results or address["place"] or "the usual folder of results"
    raise RunError(
        f"its trace is not in {where}; give the storage of its run's results where this machine has it: "
        'trace(…, results="gs://bucket/prefix") or a folder'
    )


def _fits(trace: AgentTrace, state_name: str) -> bool:
    known = _STATUS_OF_STATE.get(state_name)
    return trace.status in known if known else trace.status not in ("completed", "refused", "truncated")


def _stores(place: str | None, results: str | None) -> Iterator[ResultStore]:
    try:
        if results:
            yield results_to_read(results)
            return
        for where in filter(None, (place, place_of_results(None))):
            if where.startswith(GCS_SCHEME) or is_folder(Path(where)):
                yield results_to_read(where)
    except StorageError as error:
        raise RunError(str(error)) from error
