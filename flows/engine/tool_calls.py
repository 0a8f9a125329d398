"""Calls of tools: each is a task run beside its cell, is kept like a reply, and may wait for a person's consent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from logging import Logger, getLogger
from typing import Any, TypeAlias, TypeVar, cast

from prefect import Task, get_run_logger
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.utilities.annotations import quote

from agents.base.services import AgentServices
from agents.llms.work_time import not_counted
from contract.base import JsonValue, canonical_json, digest, thawed
from contract.errors import AnswersInvalid, ButtermilkError, StoppedByPerson, StorageError, WaitsForPerson
from contract.flow import Step
from contract.questions import Answer, Question
from contract.tool_calls import ToolCall
from contract.tools import AgentToolDefinition, UnifiedRequest
from flows.accounting.ledger import Ledger
from flows.engine.approval import approval_question, ask_for_approval, known_approval
from flows.engine.cell import CellRunner
from flows.engine.task_runs import run_task
from flows.gates.desk import Desk
from flows.results.tool_results import ToolResults, tool_call_key
from flows.spec.tool_registry import StepTool

T = TypeVar("T")
_Ask: TypeAlias = Callable[[Desk, Question, AgentToolDefinition], Coroutine[Any, Any, Answer | None]]
_LOG = getLogger(__name__)
MAX_RESULT_BYTES = 1_000_000
"""Bytes of a result as JSON. It is kept, and written into the cell's trace."""
_MAX_LABEL = 100


@dataclass
class _Job:
    tool: StepTool
    call: ToolCall
    services: AgentServices
    seconds_left: float | None = None
    """What is left of the time for calls; None where there is no such limit."""

    @property
    def timeout(self) -> tuple[float, str]:
        """How long the call may take, and what is said of one that takes longer."""
        own = self.tool.timeout_seconds
        if self.seconds_left is None or self.seconds_left >= own:
            return own, f"gave no result within {own:g} seconds"
        return self.seconds_left, "gave no result before the time for calls (max_seconds) was over"

    @property
    def label(self) -> str:
        """The task run's name in the UI."""
        text = f"{self.call.tool} {canonical_json(self.call.arguments)}"
        return text if len(text) <= _MAX_LABEL else f"{text[: _MAX_LABEL - 1]}…"


async def _call_tool(job: _Job, log: Logger) -> str | None:
    """Calls the tool; `job.call` then holds its result, or the reason why there is none, which is returned."""
    arguments: dict[str, JsonValue] = thawed(job.call.arguments)
    result: JsonValue = None
    seconds, too_slow = job.timeout
    try:
        async with asyncio.timeout(seconds):
            result = await job.tool.call(arguments, job.services)
        size = len(canonical_json(result).encode())
        error = f"its result has {size} bytes, and {MAX_RESULT_BYTES} is the limit" if size > MAX_RESULT_BYTES else None
    except TimeoutError:
        error = too_slow
    except StorageError:
        raise
    except ButtermilkError as failure:
        error = str(failure) or type(failure).__name__
    except Exception as failure:
        # Its text may hold anything; the model learns only that it failed.
        log.exception("The tool '%s' has a bug", job.call.tool)
        error = f"failed with an error of its own ({type(failure).__name__})"
    update = {"result": None if error else result, "error": error, "ended": datetime.now(UTC)}
    job.call = job.call.model_copy(update=update)
    return error


async def _run_tool(job: _Job) -> Any:
    """One call as a task run, whose state says how it ended."""
    # Prefect's own type knows nothing of what it logs.
    error = await _call_tool(job, cast("Logger", get_run_logger()))
    if error:
        return Completed(name="ToolFailed", message=error)
    return Completed(message=f"{len(canonical_json(job.call.result))} characters")


_TOOL_TASK = Task(
    _run_tool, name="tool", task_run_name="{job.label}", persist_result=False, cache_policy=NO_CACHE, retries=0
)


@dataclass(eq=False)
class DirectTools:
    """The tools of an agent that is called alone, outside a run: a `ToolCaller` that keeps what tools give."""

    tools: Mapping[str, StepTool]
    results: ToolResults
    agent_services: AgentServices

    def as_inputs(self) -> dict[str, JsonValue]:
        """The inputs by which an agent learns what there is to call."""
        return {"tools": [tool.definition.model_dump(mode="json") for tool in self.tools.values()]}

    async def call(self, request: UnifiedRequest, seconds: float | None = None) -> ToolCall:
        """Returns the call with its result or its error. Raises StorageError."""
        tool = self.tools[request.target]
        return await self._call(tool, self._key(tool, request.inputs), request.inputs, seconds)

    def _key(self, tool: StepTool, arguments: Mapping[str, JsonValue]) -> str:
        index = self.agent_services.index
        searched = index.fingerprint if index and "read_corpus" in tool.definition.permissions else None
        return tool_call_key(tool.definition, [tool.origin, searched], arguments)

    async def _call(
        self, tool: StepTool, key: str, arguments: Mapping[str, JsonValue], seconds: float | None
    ) -> ToolCall:
        if kept := await self.results.get(key):
            return kept
        with not_counted():
            lock = self.results.exclusive(key)
            await lock.__aenter__()
        try:
            if kept := await self.results.get(key):
                return kept
            called = await self._run(_Job(tool, _new_call(tool, key, arguments), self.agent_services, seconds))
            if called.error is None:
                await self.results.put(key, called)
            return called
        finally:
            await lock.__aexit__(None, None, None)

    async def _run(self, job: _Job) -> ToolCall:
        await _call_tool(job, _LOG)
        return job.call


@dataclass(eq=False)
class StepTools(DirectTools):
    """The tools of one cell: calls are task runs, and a person may be asked before."""

    step: Step
    place: tuple[str, str]
    """The flow and the step."""
    desk: Desk | None
    """Where people are asked."""
    ledger: Ledger
    cell_runner: CellRunner
    flow_context: Context = field(default_factory=copy_context)
    """The context of the flow run: a call is a task run beside the cell's, and Prefect pauses no task run."""

    async def call(self, request: UnifiedRequest, seconds: float | None = None) -> ToolCall:
        """Returns the call with its result or its error. Raises StoppedByPerson, WaitsForPerson and StorageError."""
        tool = self.tools[request.target]
        key = self._key(tool, request.inputs)
        if request.target not in self.step.approve:
            return await self._call(tool, key, request.inputs, seconds)
        question = approval_question(*self.place, tool.definition, request)
        asked_key = digest([key, "approved"])
        kept, answer = await self.results.get(asked_key), await self._person(question, tool, known_approval)
        # What was allowed once is not asked again for the same call; another answer counts all the same.
        if kept and (answer is None or (kept.answer and kept.answer.decides_as(answer))):
            return kept
        answer = answer or await self._person(question, tool, ask_for_approval)
        if answer is None:
            raise _waits(question)
        because = f": {answer.comment}" if answer.comment else ""
        if answer.decision == "stop":
            raise StoppedByPerson(f"a person stopped at the call of {request.target}{because}")
        asked = {"answer": answer, "question": question.key}
        if not answer.approved:
            error = f"a person did not allow this call{because}"
            call = _new_call(tool, key, request.inputs)
            return call.model_copy(update={"decision": "rejected", **asked, "error": error, "ended": datetime.now(UTC)})
        changed = answer.decision == "edit"
        arguments: Any = answer.value if changed else request.inputs
        called = await self._call(tool, self._key(tool, arguments), arguments, seconds)
        decided = called.model_copy(update={"decision": "modified" if changed else "approved", **asked})
        if decided.error is None:
            await self.results.put(asked_key, decided)
        return decided

    async def _run(self, job: _Job) -> ToolCall:
        sender = self.cell_runner.event_sender
        state: State[Any] = await self._in_flow(run_task(_TOOL_TASK, {"job": quote(job)}, [], sender))
        self.ledger.totals.task_runs += 1
        if not state.is_completed():
            await state.aresult()
        return job.call

    async def _person(self, question: Question, tool: StepTool, ask: _Ask) -> Answer | None:
        """The answer of a person; where the one in the file does not fit, the question stays open."""
        if self.desk is None:
            return None
        try:
            with not_counted():
                return await self._in_flow(ask(self.desk, question, tool.definition))
        except AnswersInvalid as invalid:
            for problem in invalid.problems:
                self.ledger.note(str(problem))
            self.desk.leave_open(question)
            # Not the mistake itself, with which the calls made until then would be lost from the account.
            raise _waits(question) from invalid

    async def _in_flow(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.get_running_loop().create_task(work, context=self.flow_context.copy())


def _waits(question: Question) -> WaitsForPerson:
    return WaitsForPerson(f"waits for an answer at '{question.gate}'")


def _new_call(tool: StepTool, key: str, arguments: Mapping[str, JsonValue]) -> ToolCall:
    now, cost = datetime.now(UTC), Decimal(0) if tool.is_priced else None
    return ToolCall(key=key, tool=tool.definition.name, arguments=arguments, started=now, ended=now, cost_usd=cost)
