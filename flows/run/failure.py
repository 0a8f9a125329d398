"""Failure: the state Failed of a run that an error stopped, in words for a person who filled in a form.

A mistake that only a worker can find, such as a key that is set elsewhere, can keep the study from being composed.
Prefect calls a run Crashed if its flow cannot be loaded. So a flow is loaded whose run fails, in plain words.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import replace
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Failed

from contract.errors import AnswersInvalid, ButtermilkError, StudyError

_RUN_ID_VARIABLE = "PREFECT__FLOW_RUN_ID"
"""Set by workers in the process of a run."""


def failed(error: ButtermilkError) -> State[Any]:
    """The state of a run that the error stopped; a flow that awaits the run gets the error."""
    return Failed(message=_failure_message(error), data=error)


def is_loaded_for_run() -> bool:
    """Whether a worker's process loads a flow now, to run it."""
    return _RUN_ID_VARIABLE in os.environ and FlowRunContext.get() is None


def make_failing_flow(name: str, error: ButtermilkError) -> Flow[..., Any]:
    """The flow of that name in a process whose run it is: the run ends as Failed, whatever its parameters are."""

    async def run(**_: Any) -> State[Any]:
        return failed(error)

    # Prefect refuses parameters that the signature does not name. Another flow that awaits this one gives others.
    names = [*flow_run.get_parameters(), "others"]
    kinds = [inspect.Parameter.KEYWORD_ONLY] * (len(names) - 1) + [inspect.Parameter.VAR_KEYWORD]
    run.__name__ = name
    run.__signature__ = inspect.Signature(list(map(inspect.Parameter, names, kinds)))  # type: ignore[attr-defined]
    return Flow(run, name=name, flow_run_name=name, persist_result=False, validate_parameters=False)


def _failure_message(error: ButtermilkError) -> str:
    if not isinstance(error, StudyError):
        return str(error)
    lines = [str(replace(one, where=one.where.replace("command line", "parameters", 1))) for one in error.problems]
    if isinstance(error, AnswersInvalid):
        return "\n".join(lines)
    noun = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return "\n".join([f"{noun}; nothing was run and no model was asked.", *lines])
