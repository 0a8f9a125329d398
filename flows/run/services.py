"""Opens what a run needs, for its length: models, prompts, the corpus, agents and the result storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from agents.base.services import AgentServices
from agents.llms.budget import Budget
from agents.llms.factory import ModelRegistry, WrapperOptions
from agents.llms.hosted.subprocess_model import SUPPORTED, CallerProcess
from agents.llms.misfits import Misfits
from agents.prompting.criteria import Criteria
from agents.prompting.templates import Prompts
from contract.base import canonical_json
from contract.errors import StorageError
from contract.storage import SearchableStorage
from flows.accounting.call_journal import CallJournal
from flows.accounting.ledger import Ledger
from flows.accounting.telemetry import with_tracing
from flows.engine.approval import answers_still_hold
from flows.engine.cell import CellRunner
from flows.engine.run_services import RunServices, StepListener
from flows.engine.task_run_events import open_event_sender
from flows.engine.task_runs import read_limited_tags
from flows.files.cache import cache_folder
from flows.gates.desk import Desk
from flows.results.cells import CellStorage
from flows.results.locks import Attempt, Locks
from flows.results.open import result_store
from flows.results.replies import ResultReplyStore
from flows.results.set_aside import SetAside
from flows.results.store import ResultStore
from flows.results.tool_results import ToolResults
from flows.run.tool_servers import open_tool_servers
from flows.run.web_pages import open_pages
from flows.spec.agent_registry import load_agents
from flows.spec.nodes import steps_of
from flows.spec.search_steps import where_of
from flows.spec.study import Study
from flows.spec.tool_registry import installed_step_tools
from flows.storage.rows import Reject

if TYPE_CHECKING:
    from flows.corpus.index import CorpusIndex

IndexProgress = Callable[[int, int | None], None]


@asynccontextmanager
async def open_services(
    study: Study,
    ledger: Ledger,
    journal: CallJournal,
    owner: str,
    progress: IndexProgress | None = None,
    on_reject: Callable[[Reject], None] | None = None,
    on_note: Callable[[str], None] | None = None,
    in_bulk: bool = False,
    caller: CallerProcess | None = None,
    desk: Desk | None = None,
    step_ended: StepListener | None = None,
) -> AsyncGenerator[RunServices]:
    """Opens the services of one run; closes the connections when the block ends.

    The run `owner` has to write a heartbeat meanwhile: it may share its results with other runs at the same time.

    `in_bulk` is for runs of more records than one batch holds: a process of its own calls their hosted models. It is
    `caller`, if there is one already.

    `on_reject` receives the parts of the corpus that could not be indexed, `on_note` other facts about it and about
    kept answers that a scholar should know. Raises StorageError when the corpus cannot be read.
    """
    index = await open_index(study, progress, on_note)
    for where in {canonical_json(one): one for one in map(where_of, steps_of(study.flow).values()) if one}.values():
        remaining = await index.remaining(where) if index else ""
        if on_note and remaining and remaining not in study.notices:
            on_note(remaining)
    if index and on_reject:
        for reject in index.rejects():
            on_reject(reject)
    caller = caller or (CallerProcess() if in_bulk and SUPPORTED else None)
    async with (
        open_agent_services(study, journal, owner, index, on_note, caller) as opened,
        open_event_sender() if in_bulk else nullcontext() as event_sender,
        open_tool_servers(study, opened.store, on_note) as servers,
        open_pages(opened.store) as pages,
    ):
        still_holds = partial(answers_still_hold, desk) if desk else None
        cells = CellStorage.over(opened.store, opened.set_aside, again=opened.again, still_holds=still_holds)
        cell_runner = CellRunner(study.run, cells, opened.replies, event_sender, await read_limited_tags())
        tools = {**installed_step_tools(study.flow), **servers.tools}
        yield RunServices(
            agent_services=replace(opened.agent_services, web=pages),
            agents=load_agents(study.flow),
            cell_runner=cell_runner,
            ledger=ledger,
            slots=asyncio.Semaphore(study.run.concurrency),
            desk=desk,
            tools=tools,
            tool_results=opened.tool_results,
            tool_servers=servers.manifest,
            step_ended=step_ended,
        )


@dataclass(frozen=True)
class OpenedServices:
    """What agents are given, and the storage in which their replies are kept."""

    agent_services: AgentServices
    store: ResultStore
    replies: ResultReplyStore
    tool_results: ToolResults
    set_aside: SetAside
    again: bool


@asynccontextmanager
async def open_agent_services(
    study: Study,
    journal: CallJournal,
    owner: str,
    index: CorpusIndex | None,
    on_note: Callable[[str], None] | None = None,
    caller: CallerProcess | None = None,
    budget: Budget | None = None,
) -> AsyncGenerator[OpenedServices]:
    """Opens what agents need, also outside a run; closes the connections when the block ends.

    `owner` has to write a heartbeat meanwhile, as others may share the results at the same time. `budget` is one that
    several calls share, in the place of the study's own.
    """
    store = result_store(study.run.results)
    locks = Locks(store, owner, study.run.lost_after_seconds, Attempt(journal.attempt, journal.place))
    await locks.remove_lost(journal.abandoned)
    if budget is None and study.run.budget is not None:
        budget = Budget(study.run.budget)
    again, set_aside = study.run.again == "refused", SetAside(store, on_note)
    replies = ResultReplyStore(store, locks, set_aside, journal, again=again)
    misfits = Misfits()
    wrappers = WrapperOptions(replies, budget, journal, store.journal_folder / "limits", misfits)
    models = ModelRegistry(study.models, wrappers, caller)
    prompts, criteria = Prompts(study.folders), Criteria(study.folders)
    agent_services = AgentServices(with_tracing(models), prompts, index, criteria, misfits=misfits)
    try:
        yield OpenedServices(agent_services, store, replies, ToolResults(store, locks, set_aside), set_aside, again)
    finally:
        await models.aclose()
        set_aside.note_total()


async def open_index(
    study: Study,
    progress: IndexProgress | None = None,
    on_note: Callable[[str], None] | None = None,
    *,
    reembed: bool = False,
) -> CorpusIndex | None:
    """The flow's corpus, brought up to date; None when it names none.

    Raises StorageError when it cannot be read, and without `reembed` when its index was made with another embedding
    model than the configured one.
    """
    config = study.storage.get(study.flow.corpus or "")
    if not isinstance(config, SearchableStorage):
        return None
    from flows.corpus.embedders import EmbeddingNote, embedder_of
    from flows.corpus.index import open_corpus

    embedder, note = embedder_of(config, study.models), EmbeddingNote.of(config, index_folder())
    if not reembed:
        note.check(embedder, config.label)

    cancelled = Event()

    def report_progress(done: int, total: int | None) -> None:
        if cancelled.is_set():
            raise StorageError("the indexing was interrupted; the next run goes on from there")
        if progress:
            progress(done, total)

    try:
        index = await asyncio.to_thread(open_corpus, config, index_folder(), report_progress, embedder, on_note)
        note.write(embedder)
        return index
    except asyncio.CancelledError:
        # The thread cannot be cancelled, and the process waits for it to end.
        cancelled.set()
        raise


def index_folder() -> Path:
    """The folder of the indexes. They can be deleted at any time, and are then built again."""
    return cache_folder() / "indexes"
