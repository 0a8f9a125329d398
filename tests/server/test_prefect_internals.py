"""What we rely on inside Prefect is in one file, and a version of Prefect that changes it makes a test fail.

After an upgrade: see "Upgrade Prefect" in CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from inspect import getsource
from pathlib import Path
from typing import Any

import pytest
from prefect import Task
from prefect.context import ContextModel, hydrated_context
from prefect.server.events.messaging import EventPublisher
from prefect.server.events.services import event_persister
from prefect.server.services import task_run_recorder
from prefect.utilities.engine import emit_task_run_state_change_event

from flows.server import prefect_internals
from flows.server.prefect_internals import APILogHandler, AsyncTaskRunEngine, EventsWorker
from tests.support.commands import ROOT

INTERNALS = Path(prefect_internals.__file__)
_Engine: Any = AsyncTaskRunEngine
_Task: Any = Task
RELIED_UPON: dict[str, tuple[Any, str]] = {
    # `flows/engine/task_runs.py` has these of its own, or calls them as Prefect's `run_task_async` does.
    "engine.begin_run": (_Engine.begin_run, "16b0e0075ba1"),
    "engine.set_state": (_Engine.set_state, "0ce46cac0dd4"),
    "engine.run_context": (_Engine.run_context, "9189ab9df5f2"),
    "engine.start": (_Engine.start, "3cee10a3c15f"),
    "engine.wait_until_ready": (_Engine.wait_until_ready, "350500599344"),
    "engine.transaction_context": (_Engine.transaction_context, "b8b6f831fee2"),
    "engine.call_task_fn": (_Engine.call_task_fn, "c88764317996"),
    "engine.handle_success": (_Engine.handle_success, "588f6e31454d"),
    "task.create_local_run": (_Task.create_local_run, "2b2aed016d11"),
    # `flows/engine/task_run_events.py` makes the same event.
    "events.of_task_run": (emit_task_run_state_change_event, "7ade83dd2d30"),
    "events.related": (prefect_internals.related_resources_from_run_context, "2b1fecb3bd9d"),
    "events.drain_all": (EventsWorker.drain_all, "7f872b4105ff"),
    "logs.aflush": (APILogHandler.aflush, "1dc7e4d30672"),
    # `flows/engine/edges.py` makes an edge of a finished run.
    "edges.task_run": (prefect_internals.link_state_to_task_run_result, "443950cbf9e7"),
    "edges.flow_run": (prefect_internals.link_state_to_flow_run_result, "a201d199d855"),
    # `context_around` goes from a flow run to the one around it.
    "context.enter": (ContextModel.__enter__, "b916305b2e12"),
    "context.sent": (hydrated_context, "245157195e94"),
    # `flows/run/cancellation.py` asks it whether the run is being cancelled.
    "cancellation.intent": (prefect_internals.get_intent, "dcb3cf75896d"),
    # `record_task_runs_after` replaces one of its settings.
    "server.recorder": (task_run_recorder.consumer, "7998587a0bfb"),
    # `keep_events` stands before what it makes, and reads the name of an event as it is published.
    "server.persister": (event_persister.create_handler, "087111a3999c"),
    "server.persisting": (event_persister.EventPersister.start, "ad861e7c42f6"),
    "server.publishing": (EventPublisher.publish_event, "97d0aee300df"),
}
"""Code of Prefect by what it does, with a digest of its source."""


@pytest.mark.parametrize("name", RELIED_UPON)
def test_prefects_code_is_what_ours_was_written_for(name: str) -> None:
    code, known = RELIED_UPON[name]
    digest = hashlib.sha256(getsource(code).encode()).hexdigest()[:12]
    assert digest == known, (
        f"Prefect's {code.__qualname__} has changed. Compare it with what is ours, then write {digest} here"
    )


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def _is_internal(module: str) -> bool:
    return module in INTERNAL or module.startswith(("prefect._", "prefect.server"))


INTERNAL = {module for module in _imported(INTERNALS) if module.startswith("prefect.")}


def test_no_other_file_imports_them() -> None:
    assert {"prefect.task_engine", "prefect.events.worker"} <= INTERNAL
    found = {
        f"{file.relative_to(ROOT)}: {module}"
        for file in (ROOT / "flows").rglob("*.py")
        for module in _imported(file)
        if file != INTERNALS and _is_internal(module)
    }
    assert not found
