"""One run in one process: all records, or those of one shard."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from agents.llms.gc_tuning import reduced_garbage_collection
from agents.llms.hosted.subprocess_model import CallerProcess
from contract.messages import AgentTrace
from contract.record import Record
from flows.accounting.call_journal import CallJournal
from flows.accounting.ledger import Ledger, Totals
from flows.accounting.run_log import RunLog
from flows.engine.executor import FlowExecutor
from flows.engine.gather import gather_or_raise
from flows.engine.run_services import RunServices
from flows.engine.scope import Scope
from flows.files.atomic import write_json
from flows.files.folder import new_run_folder
from flows.gates.desk import Desk
from flows.results.open import result_store
from flows.run.listener import RunListener
from flows.run.people import WaitingFile, form_note, replaced_note, unused_note
from flows.run.run_input import RunInput
from flows.run.run_notes import RunNotes
from flows.run.run_story import RunStory
from flows.run.services import open_services
from flows.run_folder.finish import finish_run, run_manifest
from flows.run_folder.outcome import Outcome, Result
from flows.server.current_flow_run import current_flow_run_id
from flows.server.drain import flush_events
from flows.shards.shard_result import ShardResult, publish_shard
from flows.shards.supervisor import run_heartbeat
from flows.spec.study import Study

_CONCURRENT_BATCHES = 2
"""One batch goes on while the other begins or ends, which takes seconds with a server that is busy with SQLite. With
four batches, 30,000 calls took up to a sixth less time with such a server, and somewhat more with any other."""


async def run_unsharded(study: Study, listener: RunListener, caller: CallerProcess | None) -> tuple[Outcome, Desk]:
    """Runs the study, and writes its folder; of a shard, publishes what the run that merges the shards needs."""
    notes = RunNotes(study.result_notices, listener.on_note)
    run_input = await RunInput.read(study, listener, notes)
    records, rejects, desk = run_input.records, run_input.rejects, run_input.desk
    owner, is_shard = str(current_flow_run_id()), study.run.shard is not None
    story = RunStory(study, len(records))
    folder = new_run_folder(study.run.folder, f"{study.flow.name}/shards" if is_shard else study.flow.name)
    waiting = WaitingFile(folder, listener.people, study.run.results)
    desk.on_wait = waiting.write
    desk.on_form = lambda questions, seconds: listener.on_note(form_note(questions, seconds))
    log = RunLog(folder, current_flow_run_id())

    def on_cell(trace: AgentTrace, totals: Totals) -> None:
        story.on_cell(trace)
        listener.on_cell(trace, totals)

    ledger = Ledger(folder, on_cell, listener.on_transient_error, log, notes.add)
    story.totals = ledger.totals
    story.begin(len(rejects))
    journal_folder = result_store(study.run.results).journal_folder
    run_identity = {"flow": study.flow.name, "run": folder.name, "flow_run_id": owner, "shard": is_shard}
    with CallJournal(journal_folder, **run_identity) as journal, run_heartbeat(study, owner, ledger.totals):
        ledger.totals.payers, ledger.totals.lost_calls = {owner}, journal.lost_calls
        with _reported_stop(journal, ledger.totals, listener), log, ledger:
            in_bulk = len(records) > study.run.batch
            async with open_services(
                study,
                ledger,
                journal,
                owner,
                listener.on_indexing,
                rejects.append,
                notes.add,
                in_bulk,
                caller,
                desk,
                story.step_ended,
            ) as run_services:
                outcome = Outcome(
                    folder, ledger.totals, rejects, current_flow_run_id(), run_services.cell_runner.flow_runs
                )
                outcome.records = len(records)
                with reduced_garbage_collection():
                    outcome.results = await _run_batches(study, run_services, records, story)
                _count_lost_calls(journal, ledger.totals)
                models, tools = run_services.agent_services.models, run_services.tool_servers
                manifest = run_manifest(study, run_input.start, records, outcome, models, tools)
        for note in filter(None, (unused_note(desk), replaced_note(desk))):
            notes.add(note)
        manifest |= notes.as_field()
        waiting.leave(outcome, list(desk.open.values()))
        if is_shard:
            await _publish_shard(study, manifest, outcome)
        else:
            await finish_run(study, manifest, outcome, journal.broken_off)
        story.end(outcome)
        journal.account()
    return outcome, desk


@contextmanager
def _reported_stop(journal: CallJournal, totals: Totals, listener: RunListener) -> Generator[None]:
    """Tells the listener what a run had done that is stopped within the block: Ctrl-C, a server that ended."""
    try:
        yield
    except BaseException:
        _count_lost_calls(journal, totals)
        listener.on_stop(totals)
        raise


def _count_lost_calls(journal: CallJournal, totals: Totals) -> None:
    """Counts the calls that brought no reply; some are in no trace, such as those of a cell that took too long."""
    for key, calls in journal.lost_in_this_run().items():
        totals.add_lost(key, calls)


async def _publish_shard(study: Study, manifest: Mapping[str, Any], outcome: Outcome) -> None:
    """Publishes the answers for the run that merges the shards. The folder stays, for an operator to look at."""
    write_json(outcome.folder / "manifest.json", manifest)
    results = [value for _, value in outcome.results]
    totals = outcome.totals
    result = ShardResult(
        str(outcome.flow_run_id), manifest, totals.task_runs, results, outcome.rejects, totals.costs.as_json(),
        [one.model_dump(mode="json") for one in outcome.waiting],
    )  # fmt: skip
    await publish_shard(result_store(study.run.results), result, outcome.folder / "answers.jsonl")
    # A worker ends the process at once; task runs that have not been sent would be lost.
    await flush_events()


async def _run_batches(
    study: Study, run_services: RunServices, records: Sequence[Record], story: RunStory
) -> list[Result]:
    """Takes every record through the flow. A batch begins while the last calls of earlier batches are still running."""
    executor = FlowExecutor(study.flow, run_services)
    size = study.run.batch
    batch_slots = asyncio.Semaphore(_CONCURRENT_BATCHES)
    done = 0

    async def batch(start: int) -> list[Result]:
        nonlocal done
        scopes = [Scope(record, study.request) for record in records[start : start + size]]
        if len(records) <= size:
            await executor.run(scopes)
        else:
            async with batch_slots:
                await executor.run_as_subflow(scopes, f"records {start + 1}-{start + len(scopes)}")
                done += len(scopes)
                story.records_done(done)
        # Only the results are kept, so that memory does not grow with the outputs of all steps.
        result_step = study.flow.result
        return [(scope.record, scope.values.get(result_step)) for scope in scopes] if result_step else []

    batches = await gather_or_raise(batch(start) for start in range(0, len(records), size))
    return [result for results in batches for result in results]
