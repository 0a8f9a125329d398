"""Runner: makes a Prefect flow that runs a composed study, from its records to its run folder."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from prefect import Flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from agents.llms.factory import ModelRegistry
from agents.llms.gc_tuning import reduced_garbage_collection
from agents.llms.hosted.subprocess_model import CallerProcess
from contract.errors import AnswersInvalid, ButtermilkError, StudyError, Transient
from contract.flow import FlowSpec
from contract.messages import AgentTrace
from contract.questions import Question
from contract.record import Record
from flows.accounting.call_journal import CallJournal
from flows.accounting.ledger import Ledger, Totals
from flows.accounting.run_log import RunLog
from flows.accounting.telemetry import start_telemetry
from flows.check.deployment import is_sharded
from flows.check.ground_truth import check_ground_truth
from flows.engine.executor import FlowExecutor
from flows.engine.forms import suspend_for
from flows.engine.gather import gather_or_raise
from flows.engine.records import record_notes, records_of
from flows.engine.run_services import RunServices
from flows.engine.scope import Scope
from flows.files.atomic import write_json
from flows.files.folder import new_run_folder, read_traces
from flows.gates.desk import Desk
from flows.results.open import result_store
from flows.run.audit_run import audit_run
from flows.run.cancellation import quiet_cancellation
from flows.run.form import Form
from flows.run.page_records import with_pages
from flows.run.people import People, can_be_suspended, leave_waiting, open_desk, unused_note
from flows.run.run_marks import RunMarks, end_killed_runs
from flows.run.run_story import RunStory
from flows.run.services import open_services
from flows.run_folder.finish import finish_run, run_manifest
from flows.run_folder.manifest import RunStart
from flows.run_folder.outcome import Outcome, Result
from flows.run_folder.save import save
from flows.server.current_flow_run import current_flow_run, current_flow_run_id
from flows.server.drain import flush_events
from flows.shards.shard_result import (
    ShardResult,
    count_lost_payments,
    merge_answers,
    merge_results,
    merge_totals,
    publish_shard,
    remove_shards,
)
from flows.shards.supervisor import check_deployment, run_heartbeat, run_shards, shards_manifest
from flows.spec.study import Study
from flows.storage.rows import Reject

_CONCURRENT_BATCHES = 2
"""One batch goes on while the other begins or ends, which takes seconds with a server that is busy with SQLite. With
four batches, 30,000 calls took up to a sixth less time with such a server, and somewhat more with any other."""


class RunListener:
    """Receives the progress of a run. A subclass overrides the methods that it needs."""

    people = People()
    """How the run can reach people."""

    def on_indexing(self, done: int, total: int | None) -> None:
        """Receives how many passages of the corpus are indexed so far, and how many are new or changed."""

    def on_note(self, text: str) -> None:
        """Receives a sentence about the corpus that a scholar should know; writes it to the run's log."""
        get_run_logger().warning("%s", text)

    def on_cell(self, trace: AgentTrace, totals: Totals) -> None:
        """Receives a cell that has ended."""

    def on_transient_error(self, error: Transient, totals: Totals) -> None:
        """Receives a failure of a service that may pass; the same call may be made again."""

    def on_end(self, outcome: Outcome) -> None:
        """Receives the outcome, after the run's folder is written."""


def make_flow(
    spec: FlowSpec,
    study_of: Callable[[Mapping[str, Any]], Study],
    listener: RunListener | None = None,
    form: Form | None = None,
    caller: CallerProcess | None = None,
    result_of: Callable[[Outcome], Any] = lambda _: None,
) -> Flow[..., Any]:
    """The Prefect flow that `spec` declares; its parameters are the flow's own, so the UI can show a form.

    `study_of` composes the study when the flow starts, from the parameters that it was started with. An error that
    stops the run, such as a mistake in the parameters, ends it as Failed; the message of the state describes it.
    `caller` is the process that calls hosted models in a run of many records, where it has been started already.
    `result_of` makes of the outcome what another flow gets that awaits this one; it stays in this process.
    """

    marks = RunMarks()

    async def run(**request: Any) -> State[Any]:
        try:
            study = study_of(request)
            with quiet_cancellation():
                async with _marked_run(study, marks):
                    outcome, desk = await _run(study, listener or RunListener(), caller)
            if outcome.waiting and study.run.shard is None and can_be_suspended():
                # The process ends here; a resumed run begins anew, and finds its cells and what was filled in.
                await suspend_for(outcome.waiting, desk)
            return _final_state(outcome, result_of)
        except ButtermilkError as error:
            # Returned and not raised: Prefect logs a raised error with a traceback, which is of no use here.
            return Failed(message=_failure_message(error), data=error)

    start_telemetry()
    (form or Form(spec)).apply_signature(run)
    return Flow(
        run,
        name=spec.name,
        description=spec.description,
        flow_run_name=_flow_run_name(spec),
        persist_result=False,
        validate_parameters=False,
    )


def _failure_message(error: ButtermilkError) -> str:
    """The text of the error, for a person who filled in a form instead of typing a command."""
    if not isinstance(error, StudyError):
        return str(error)
    lines = [str(replace(one, where=one.where.replace("command line", "parameters", 1))) for one in error.problems]
    if isinstance(error, AnswersInvalid):
        return "\n".join(lines)
    noun = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return "\n".join([f"{noun}; nothing was run and no model was asked.", *lines])


def _flow_run_name(spec: FlowSpec) -> Callable[[], str]:
    prefix, _, name = spec.records.partition(".")

    def from_parameters() -> str:
        from prefect.runtime import flow_run

        if prefix == "parameters":
            return f"{spec.name}: {str(flow_run.parameters.get(name, ''))[:80]}"
        shard = flow_run.parameters.get("shard")
        return f"{spec.name}, shard {shard}" if shard else spec.name

    return from_parameters


@asynccontextmanager
async def _marked_run(study: Study, marks: RunMarks) -> AsyncGenerator[None]:
    """Marks the run as one of a living process, and meanwhile ends what killed runs have left on the server."""
    own, store = current_flow_run(), result_store(study.run.results)
    if own is None:
        yield
        return
    with marks.mark(store, own):
        ending = asyncio.create_task(end_killed_runs(store, own))
        try:
            if own.run_count > 1:
                # What an earlier attempt has left is ended before the same runs begin again.
                await ending
            yield
            await ending
        finally:
            ending.cancel()


async def _run(study: Study, listener: RunListener, caller: CallerProcess | None) -> tuple[Outcome, Desk]:
    check_deployment(study)
    with audit_run(study) as audited_run:
        run = _run_sharded(study, listener) if is_sharded(study.run) else _run_unsharded(study, listener, caller)
        outcome, desk = await run
        audited_run.outcome = outcome
        if study.run.shard is None:
            # In a thread: Google's clients block.
            outcome.saved = await asyncio.to_thread(save, study, outcome.folder)
    listener.on_end(outcome)
    return outcome, desk


async def _run_unsharded(study: Study, listener: RunListener, caller: CallerProcess | None) -> tuple[Outcome, Desk]:
    run_start, owner = RunStart.read(study), str(current_flow_run_id())
    is_shard = study.run.shard is not None
    rejects = list[Reject]()
    records = list(records_of(study, rejects.append))
    check_ground_truth(study, records)
    for note in record_notes(study, records):
        listener.on_note(note)
    records, pages = await with_pages(study, records, rejects.append, listener.on_note)
    run_start, desk = replace(run_start, pages=pages), open_desk(study, listener.people, records)
    story = RunStory(study, len(records))
    folder = new_run_folder(study.run.folder, f"{study.flow.name}/shards" if is_shard else study.flow.name)
    log = RunLog(folder, current_flow_run_id())

    def on_cell(trace: AgentTrace, totals: Totals) -> None:
        story.on_cell(trace)
        listener.on_cell(trace, totals)

    ledger = Ledger(folder, on_cell, listener.on_transient_error, log, listener.on_note)
    story.totals = ledger.totals
    story.begin(len(rejects))
    journal_folder = result_store(study.run.results).journal_folder
    run_identity = {"flow": study.flow.name, "run": folder.name, "flow_run_id": owner, "shard": is_shard}
    with CallJournal(journal_folder, **run_identity) as journal, run_heartbeat(study, owner, ledger.totals):
        ledger.totals.payers, ledger.totals.lost_calls = {owner}, journal.lost_calls
        with log, ledger:
            in_bulk = len(records) > study.run.batch
            async with open_services(
                study,
                ledger,
                journal,
                owner,
                listener.on_indexing,
                rejects.append,
                listener.on_note,
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
                for key, calls in journal.lost_in_this_run().items():
                    # Also of calls in no trace, such as those of a cell that took too long.
                    ledger.totals.add_lost(key, calls)
                manifest = run_manifest(
                    study, run_start, records, outcome, run_services.agent_services.models, run_services.tool_servers
                )
        if note := unused_note(desk):
            listener.on_note(note)
        leave_waiting(outcome, list(desk.open.values()), listener.people)
        if is_shard:
            await _publish_shard(study, manifest, outcome)
        else:
            await finish_run(study, manifest, outcome, journal.broken_off)
        story.end(outcome)
        journal.account()
    return outcome, desk


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


async def _run_sharded(study: Study, listener: RunListener) -> tuple[Outcome, Desk]:
    """Runs the shards as child runs, and writes one folder from them, the same as that of a single run."""
    run_start, rejects = RunStart.read(study), list[Reject]()
    records = list(records_of(study, rejects.append))
    check_ground_truth(study, records)
    for note in record_notes(study, records):
        listener.on_note(note)
    # Before the shards begin, so that each page is fetched by one of them only.
    records, pages = await with_pages(study, records, rejects.append, listener.on_note)
    run_start, desk = replace(run_start, pages=pages), open_desk(study, listener.people, records)
    story = RunStory(study, len(records))
    story.begin(len(rejects))
    shards = await run_shards(study, records)
    shard_results = {shard.number: shard.result for shard in shards if shard.result}
    folder, store = new_run_folder(study.run.folder, study.flow.name), result_store(study.run.results)
    merge_answers(store, list(shard_results.values()), folder / "answers.jsonl")
    all_rejects = dict.fromkeys([*rejects, *(one for part in shard_results.values() for one in part.rejects)])
    totals = merge_totals(shard_results.values())
    if lost_runs := {str(run) for shard in shards for run in shard.lost_run_ids}:
        count_lost_payments(totals, read_traces(folder / "answers.jsonl"), lost_runs)
    outcome = Outcome(folder, totals, list(all_rejects), current_flow_run_id())
    outcome.records = len(records)
    outcome.results = merge_results(records, shard_results, study.run.shards) if study.flow.result else []
    models = ModelRegistry(study.models)
    try:
        manifest = run_manifest(study, run_start, records, outcome, models)
    finally:
        await models.aclose()
    waiting = [Question.model_validate(one) for part in shard_results.values() for one in part.waiting]
    leave_waiting(outcome, waiting, listener.people)
    await finish_run(study, {**manifest, "shards": shards_manifest(shards)}, outcome)
    story.end(outcome)
    remove_shards(store, shard_results.values())
    return outcome, desk


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


def _final_state(outcome: Outcome, result_of: Callable[[Outcome], Any]) -> State[Any]:
    totals = outcome.totals
    counts = ", ".join(f"{number} {status}" for status, number in sorted(totals.cells.items()))
    if unasked := totals.cells["over_budget"]:
        why = f"{unasked} cells were not asked, to keep within the budget; run again with a larger one to go on"
        return Failed(name="BudgetReached", message=f"{why}: {counts}")
    if outcome.waiting:
        gates = ", ".join(f"{gate}: {number}" for gate, number in Counter(one.gate for one in outcome.waiting).items())
        why = f"{len(outcome.waiting)} questions wait for a person ({gates}); the same run again goes on when answered"
        return Failed(name="Waiting", message=f"{why}: {counts}")
    if totals.cells_without_output:
        return Failed(name="Incomplete", message=f"{totals.cells_without_output} cells have no output: {counts}")
    if outcome.unsaved:
        why = "; ".join(str(one) for one in outcome.saved if not one.done)
        return Failed(name="NotSaved", message=f"{why} ({counts})")
    return Completed(message=counts, data=result_of(outcome))
