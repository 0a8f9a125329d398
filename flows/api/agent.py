"""agent: one call of one agent from Python.

    from flows import agent
    judged = await agent("judge").run("Some text.", criteria="ordinary", model="demo")
    judged.verdict

Replies are kept as in every study, so the same call twice is paid once. Inside a Prefect flow, the call is a task run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pydantic import ValidationError

from agents.base.misfit_words import reply_misfit
from agents.base.services import AgentServices
from agents.llms.budget import Budget
from contract.base import digest, thawed
from contract.errors import OutputInvalid, Problem, StudyError
from contract.messages import AgentInput, AgentOutput, AgentTrace
from contract.record import Record
from flows.accounting.call_journal import CallJournal
from flows.api.prefect_task import in_prefect_flow
from flows.api.records import describe_type
from flows.api.server import quieten_prefect
from flows.compose.one_agent import AgentCall, compose_agent
from flows.spec.study import Study

if TYPE_CHECKING:
    from flows.run.services import OpenedServices


class AgentHandle:
    """One agent, to be called with texts."""

    def __init__(self, name: str, *, config_dir: str | Path | None = None) -> None:
        self.name = name
        self._config_dir = Path(config_dir) if config_dir is not None else None
        self._checked = dict[str, AgentCall]()
        self._lock = Lock()

    async def run(self, record: str | Record | Mapping[str, Any], **settings: Any) -> Any:
        """Returns the agent's typed output for a text, a `Record` or a dict of one's fields.

        Equal settings are checked once for each handle, so keep the handle for many texts.

        `settings` are the agent's parameters and inputs by name; `corpus` names the storage that it searches, and
        `tools` lists the tools that it may use. Raises
        StudyError for mistakes in them before any model is asked, and CellError where the model gave no usable
        reply; a refusal is an OutputInvalid that says so.
        """
        given = as_record(record)
        call = await asyncio.to_thread(self._check, settings)
        return typed_output(call, await self._process(call, given))

    def run_sync(self, record: str | Record | Mapping[str, Any], **settings: Any) -> Any:
        """As `run`, for programs without an event loop, and for notebooks."""
        from flows.api.execution import RunThread

        return RunThread(lambda: self.run(record, **settings)).wait()

    def _check(self, settings: Mapping[str, Any]) -> AgentCall:
        with self._lock:
            key = repr(sorted(settings.items()))
            if key not in self._checked:
                self._checked[key] = compose_agent(self.name, settings, self._config_dir)
            return self._checked[key]

    def __repr__(self) -> str:
        return f"agent({self.name!r})"

    async def _process(self, call: AgentCall, record: Record) -> AgentOutput | AgentTrace:
        await import_services()
        if not in_prefect_flow():
            return await call_agent(call, record)
        from flows.api.agent_task_run import run_as_task

        async with _open_call(call.study) as (services, opened):
            return await run_as_task(self.name, call, _input_of(call, record, services), services, opened)


def agent(name: str, *, config_dir: str | Path | None = None) -> AgentHandle:
    """Returns an agent by its name in `python -m flows list`. `config_dir` is the folder of one's own study."""
    quieten_prefect()
    return AgentHandle(name, config_dir=config_dir)


async def import_services() -> None:
    """Imports what one call needs. In a thread, since Prefect starts its plugins where no event loop runs."""
    await asyncio.to_thread(import_module, "flows.run.services")


async def call_agent(call: AgentCall, record: Record, budget: Budget | None = None) -> AgentOutput:
    """Makes one call. `budget` is one that several calls share. Raises CellError."""
    async with open_one_call(call.study, budget) as services:
        return await call.agent().process(_input_of(call, record, services), services)


def _input_of(call: AgentCall, record: Record, services: AgentServices) -> AgentInput:
    from flows.engine.tool_calls import DirectTools

    inputs = {**call.inputs, **(services.tools.as_inputs() if isinstance(services.tools, DirectTools) else {})}
    return AgentInput(record=record, inputs=inputs, parameters=call.parameters)


def typed_output(call: AgentCall, output: AgentOutput | AgentTrace) -> Any:
    """Returns the agent's typed output. Raises OutputInvalid where there is none, as after a refusal."""
    if output.value is None:
        raise OutputInvalid(output.note or f"the reply was {output.status}")
    return call.agent.Output.model_validate(thawed(output.value))


@asynccontextmanager
async def open_one_call(study: Study, budget: Budget | None = None) -> AsyncGenerator[AgentServices]:
    """Opens what one call of an agent needs; closes its connections when the block ends."""
    async with _open_call(study, budget) as (services, _):
        yield services


@asynccontextmanager
async def _open_call(
    study: Study, budget: Budget | None = None
) -> AsyncGenerator[tuple[AgentServices, OpenedServices]]:
    # Prefect comes with them, and reads its settings when it is imported.
    from flows.engine.tool_calls import DirectTools
    from flows.results.heartbeat import heartbeat
    from flows.results.open import result_store
    from flows.run.services import open_agent_services, open_index
    from flows.run.tool_servers import open_tool_servers
    from flows.run.web_pages import open_pages
    from flows.spec.tool_registry import installed_step_tools

    store, owner = result_store(study.run.results), str(uuid4())
    index = await open_index(study)
    with (
        CallJournal(store.journal_folder, flow=study.flow.name, flow_run_id=owner) as journal,
        heartbeat(store, owner, study.run.lost_after_seconds),
    ):
        async with (
            open_agent_services(study, journal, owner, index, budget=budget) as opened,
            open_tool_servers(study, opened.store, None) as servers,
            open_pages(opened.store) as pages,
        ):
            services = replace(opened.agent_services, web=pages)
            tools = {**installed_step_tools(study.flow), **servers.tools}
            direct = DirectTools(tools, opened.tool_results, services) if tools else None
            yield replace(services, tools=direct) if direct else services, opened
        journal.account()


def as_record(given: Any) -> Record:
    """Returns a text, a record or a dict of one's fields as a record. Raises StudyError."""
    if isinstance(given, Record):
        return given
    if not isinstance(given, str | Mapping):
        todo = "give a text, a `Record`, or a dict with `text`"
        raise StudyError([Problem("the record", f"{describe_type(given)} is no record", todo=todo)])
    fields: dict[str, Any] = {"text": given} if isinstance(given, str) else dict(given)  # type: ignore[reportUnknownArgumentType]
    fields.setdefault("record_id", f"text-{digest(fields.get('text', ''))[:8]}")
    try:
        return Record.model_validate(fields)
    except ValidationError as error:
        what = reply_misfit(error)
        raise StudyError([Problem("the record", what, todo="give a text, or a dict with `text`")]) from None
