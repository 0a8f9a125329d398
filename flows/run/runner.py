"""Runner: a composed study as a Prefect flow, from its records to its run folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prefect import Flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from agents.llms.factory import ModelBook
from agents.llms.gc_tuning import seldom_collected
from agents.llms.hosted.subprocess_model import Caller
from contract.errors import ButtermilkError, StudyError, Transient
from contract.flow import FlowSpec
from contract.messages import AgentTrace
from contract.record import Record
from flows.accounting.ledger import Ledger, Totals
from flows.accounting.run_log import RunLog
from flows.accounting.telemetry import start_telemetry
from flows.check.ground_truth import check_people
from flows.check.shards import splits
from flows.engine.executor import Course, Services
from flows.engine.gather import together
from flows.engine.records import records_of
from flows.engine.scope import Scope
from flows.files.atomic import write_json
from flows.files.folder import new_folder
from flows.results.open import result_store
from flows.run.audit_run import account_of
from flows.run.form import Form
from flows.run.services import services
from flows.run_folder.finish import leave_behind, manifest_of
from flows.run_folder.manifest import Beginning
from flows.run_folder.outcome import Outcome, Result
from flows.run_folder.save import save
from flows.server.current_flow_run import present_run_id
from flows.server.drain import sent
from flows.shards.shard_result import Handed, forget, gather_answers, hand_over, results_of, totals_of
from flows.shards.supervisor import needs_deployment, run_shards, shared_by, telling, told_of
from flows.spec.study import Study
from flows.storage.rows import Reject

_BATCHES_AT_ONCE = 2
"""The second goes on while the first begins or ends, which takes seconds beside a server that is busy with SQLite. With
four, 30,000 calls beside such a server took up to a sixth less time, and beside any other somewhat more."""


class Watcher:
    """Looks on while a run goes; every method may be overridden, none need be."""

    def indexing(self, done: int, total: int | None) -> None:
        """Passages of the corpus indexed so far, and how many are new or changed."""

    def note(self, text: str) -> None:
        """Something of the corpus that a scholar should know, in a sentence."""
        get_run_logger().warning("%s", text)

    def cell(self, trace: AgentTrace, totals: Totals) -> None:
        """One cell has ended."""

    def trouble(self, error: Transient, totals: Totals) -> None:
        """A service failed in a way that may pass; what it was asked may be asked again."""

    def ended(self, outcome: Outcome) -> None:
        """The run is over and its folder is written."""


def make_flow(
    spec: FlowSpec,
    study_of: Callable[[Mapping[str, Any]], Study],
    watcher: Watcher | None = None,
    form: Form | None = None,
    caller: Caller | None = None,
) -> Flow[..., Any]:
    """The Prefect flow that `spec` declares; its parameters are the flow's own, so the UI can show a form.

    `study_of` composes the study when the flow starts, from the parameters that it was started with. What keeps the
    run from going on, such as mistakes in the parameters, ends it as Failed and is told in the state's message.
    `caller` is what asks the hosted models of a run of many records, where it has been started already.
    """

    async def run(**request: Any) -> State[Any]:
        try:
            return await _run(study_of(request), watcher or Watcher(), caller)
        except ButtermilkError as error:
            # Returned and not raised: Prefect logs what is raised with a traceback, which helps nobody here.
            return Failed(message=_plainly(error), data=error)

    start_telemetry()
    (form or Form(spec)).dress(run)
    return Flow(
        run,
        name=spec.name,
        description=spec.description,
        flow_run_name=_run_name(spec),
        persist_result=False,
        validate_parameters=False,
    )


def _plainly(error: ButtermilkError) -> str:
    """The error for one who did not type a command but filled in a form."""
    if not isinstance(error, StudyError):
        return str(error)
    lines = [str(replace(one, where=one.where.replace("command line", "parameters", 1))) for one in error.problems]
    noun = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    return "\n".join([f"{noun}; nothing was run and no model was asked.", *lines])


def _run_name(spec: FlowSpec) -> Callable[[], str]:
    prefix, _, name = spec.records.partition(".")

    def from_parameters() -> str:
        from prefect.runtime import flow_run

        if prefix == "parameters":
            return f"{spec.name}: {str(flow_run.parameters.get(name, ''))[:80]}"
        shard = flow_run.parameters.get("shard")
        return f"{spec.name}, shard {shard}" if shard else spec.name

    return from_parameters


async def _run(study: Study, watcher: Watcher, caller: Caller | None) -> State[Any]:
    needs_deployment(study)
    with account_of(study) as account:
        running = _over_shards(study) if splits(study.run) else _by_itself(study, watcher, caller)
        outcome = account.outcome = await running
        if study.run.shard is None:
            # In a thread: Google's clients block.
            outcome.saved = await asyncio.to_thread(save, study, outcome.folder)
    watcher.ended(outcome)
    return _state(outcome)


async def _by_itself(study: Study, watcher: Watcher, caller: Caller | None) -> Outcome:
    run_start, shared_run_id = Beginning.of(study), shared_by(study.run)
    is_shard = study.run.shard is not None and shared_run_id is not None
    rejects = list[Reject]()
    records = list(records_of(study, rejects.append))
    check_people(study, records)
    folder = new_folder(study.run.folder, f"{study.flow.name}/shards" if is_shard else study.flow.name)
    log = RunLog(folder, present_run_id())
    ledger = Ledger(folder, watcher.cell, watcher.trouble, log)
    with telling(study, shared_run_id, ledger.totals):
        with log, ledger:
            in_bulk = len(records) > study.run.batch
            async with services(
                study, ledger, watcher.indexing, rejects.append, shared_run_id, watcher.note, in_bulk, caller
            ) as run_services:
                outcome = Outcome(folder, ledger.totals, rejects, present_run_id(), run_services.cells.flow_runs)
                outcome.records = len(records)
                with seldom_collected():
                    outcome.results = await _results(study, run_services, records)
                manifest = manifest_of(study, run_start, records, outcome, run_services.given.models)
        if is_shard:
            await _hand_over(study, manifest, outcome)
        else:
            await leave_behind(study, manifest, outcome)
    return outcome


async def _hand_over(study: Study, told: Mapping[str, Any], outcome: Outcome) -> None:
    """For the run that gathers the shards; the folder keeps what an operator may want to look at."""
    write_json(outcome.folder / "manifest.json", told)
    results = [value for _, value in outcome.results]
    result = Handed(str(outcome.flow_run_id), told, outcome.totals.task_runs, results, outcome.rejects)
    await hand_over(result_store(study.run.results), result, outcome.folder / "answers.jsonl")
    # A worker ends the process at once, and the last task runs with it that are still on their way.
    await sent()


async def _over_shards(study: Study) -> Outcome:
    """Has child runs do the work, and gathers one folder from them as if one run had done it."""
    run_start, rejects = Beginning.of(study), list[Reject]()
    records = list(records_of(study, rejects.append))
    check_people(study, records)
    shards = await run_shards(study, records)
    shard_results = {shard.number: shard.handed for shard in shards if shard.handed}
    folder, store = new_folder(study.run.folder, study.flow.name), result_store(study.run.results)
    gather_answers(store, list(shard_results.values()), folder / "answers.jsonl")
    all_rejects = dict.fromkeys([*rejects, *(one for part in shard_results.values() for one in part.rejects)])
    outcome = Outcome(folder, totals_of(shard_results.values()), list(all_rejects), present_run_id())
    outcome.records = len(records)
    outcome.results = results_of(records, shard_results, study.run.shards) if study.flow.result else []
    models = ModelBook(study.models)
    try:
        manifest = manifest_of(study, run_start, records, outcome, models)
    finally:
        await models.aclose()
    await leave_behind(study, {**manifest, "shards": told_of(shards)}, outcome)
    forget(store, shard_results.values())
    return outcome


async def _results(study: Study, opened: Services, records: Sequence[Record]) -> list[Result]:
    """Takes every record through the flow. A batch begins while the last calls of those before are waited for."""
    executor = Course(study.flow, opened)
    size = study.run.batch
    batch_slots = asyncio.Semaphore(_BATCHES_AT_ONCE)

    async def batch(start: int) -> list[Result]:
        scopes = [Scope(record, study.request) for record in records[start : start + size]]
        if len(records) <= size:
            await executor.run(scopes)
        else:
            async with batch_slots:
                await executor.run_apart(scopes, f"records {start + 1}-{start + len(scopes)}")
        # Only the results are kept, so that memory does not grow with all that the steps said.
        wanted = study.flow.result
        return [(scope.record, scope.values.get(wanted)) for scope in scopes] if wanted else []

    batches = await together(batch(start) for start in range(0, len(records), size))
    return [result for results in batches for result in results]


def _state(outcome: Outcome) -> State[Any]:
    totals = outcome.totals
    counts = ", ".join(f"{number} {status}" for status, number in sorted(totals.cells.items()))
    if unasked := totals.cells["over_budget"]:
        why = f"{unasked} cells were not asked, to keep within the budget; run again with a larger one to go on"
        return Failed(name="BudgetReached", message=f"{why}: {counts}")
    if totals.holes:
        return Failed(name="Incomplete", message=f"{totals.holes} cells have no output: {counts}")
    if outcome.unsaved:
        why = "; ".join(str(one) for one in outcome.saved if not one.done)
        return Failed(name="NotSaved", message=f"{why} ({counts})")
    return Completed(message=counts)
