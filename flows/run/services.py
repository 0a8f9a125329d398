"""What a run needs from outside, opened for its length: models, prompts, the corpus, agents, the result folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from agents.base.services import Given
from agents.llms.budget import Purse
from agents.llms.factory import Keeping, ModelBook
from agents.llms.hosted.subprocess_model import POSSIBLE, Caller
from agents.prompting.criteria import Criteria
from agents.prompting.templates import Prompts
from contract.errors import StorageError
from contract.storage import SearchableStorage
from flows.accounting.call_journal import SpendJournal
from flows.accounting.ledger import Ledger
from flows.accounting.telemetry import traced
from flows.engine.cell import Cells
from flows.engine.executor import Services
from flows.engine.task_run_events import opened_feed
from flows.files.cache import cache_folder
from flows.results.locks import Locks
from flows.results.open import result_store
from flows.results.replies import KeptInResults
from flows.spec.registry import agents_of
from flows.spec.study import Study
from flows.storage.rows import Reject

if TYPE_CHECKING:
    from flows.corpus.index import CorpusIndex

IndexProgress = Callable[[int, int | None], None]


@asynccontextmanager
async def services(
    study: Study,
    ledger: Ledger,
    progress: IndexProgress | None = None,
    on_reject: Callable[[Reject], None] | None = None,
    shared_by: str | None = None,
    tell: Callable[[str], None] | None = None,
    in_bulk: bool = False,
    caller: Caller | None = None,
) -> AsyncGenerator[Services]:
    """The services of one run; connections are given back when the block ends.

    `shared_by` is the name of a run that shares its results with others that go on at the same time; it has to tell
    them that it is alive.

    `in_bulk` is for runs of more records than go through the flow together: their hosted models are asked from a
    process beside, by `caller` if there is one already.

    What of the corpus could not be indexed goes to `on_reject`, and what else a scholar should know of it to `tell`.
    Raises StorageError when the corpus cannot be read.
    """
    store = result_store(study.run.results)
    index = await open_index(study, progress, tell)
    if index and on_reject:
        for reject in index.rejects():
            on_reject(reject)
    locks = Locks(store, shared_by, study.run.lost_after_seconds) if shared_by else None
    with SpendJournal(store.journals) as journal:
        ledger.totals.repeated = journal.repeated
        purse = None if study.run.budget is None else Purse(study.run.budget)
        keeping = Keeping(KeptInResults(store, locks), purse, journal)
        models = ModelBook(study.models, keeping, caller or (Caller() if in_bulk and POSSIBLE else None))
        try:
            async with opened_feed() if in_bulk else nullcontext() as event_sender:
                yield Services(
                    given=Given(traced(models), Prompts(study.folders), index, Criteria(study.folders)),
                    agents=agents_of(study.flow),
                    cells=Cells(study.run, store, event_sender),
                    ledger=ledger,
                    slots=asyncio.Semaphore(study.run.concurrency),
                )
        finally:
            await models.aclose()


async def open_index(
    study: Study, progress: IndexProgress | None = None, tell: Callable[[str], None] | None = None
) -> CorpusIndex | None:
    """The flow's corpus, brought up to date; None when it names none."""
    config = study.storage.get(study.flow.corpus or "")
    if not isinstance(config, SearchableStorage):
        return None
    from flows.corpus.index import open_corpus

    cancelled = Event()

    def told(done: int, total: int | None) -> None:
        if cancelled.is_set():
            raise StorageError("the indexing was interrupted; it goes on from there next time")
        if progress:
            progress(done, total)

    try:
        return await asyncio.to_thread(open_corpus, config, index_folder(), told, None, tell)
    except asyncio.CancelledError:
        # The thread cannot be cancelled, and the process would not end before it.
        cancelled.set()
        raise


def index_folder() -> Path:
    """Where indexes are kept; they can be deleted at any time and are built again."""
    return cache_folder() / "indexes"
