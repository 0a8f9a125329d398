"""Runner: makes a Prefect flow that runs a composed study, from its records to its run folder."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from agents.llms.hosted.subprocess_model import CallerProcess
from contract.errors import ButtermilkError
from contract.flow import FlowSpec
from flows.accounting.telemetry import start_telemetry
from flows.check.deployment import is_sharded
from flows.engine.forms import suspend_for
from flows.gates.desk import Desk
from flows.gates.waiting_file import questions_wait
from flows.results.open import result_store
from flows.run.audit_run import audit_run
from flows.run.cancellation import quiet_cancellation
from flows.run.failure import failed
from flows.run.form import Form
from flows.run.last_log_line import as_no_error
from flows.run.listener import RunListener
from flows.run.people import can_be_suspended
from flows.run.run_marks import RunMarks, end_killed_runs
from flows.run.sharded_run import run_sharded
from flows.run.single_run import run_unsharded
from flows.run_folder.outcome import Outcome
from flows.run_folder.save import save
from flows.server.current_flow_run import current_flow_run
from flows.shards.supervisor import check_deployment
from flows.spec.study import Study


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
        logging.getLogger("prefect.flow_runs").addFilter(as_no_error)
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
            return failed(error)

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
        run = run_sharded(study, listener) if is_sharded(study.run) else run_unsharded(study, listener, caller)
        outcome, desk = await run
        audited_run.outcome = outcome
        if study.run.shard is None:
            # In a thread: Google's clients block.
            outcome.saved = await asyncio.to_thread(save, study, outcome.folder)
    listener.on_end(outcome)
    return outcome, desk


def _final_state(outcome: Outcome, result_of: Callable[[Outcome], Any]) -> State[Any]:
    totals = outcome.totals
    counts = ", ".join(f"{number} {status}" for status, number in sorted(totals.cells.items()))
    if unasked := totals.cells["over_budget"]:
        cells = "1 cell was" if unasked == 1 else f"{unasked:,} cells were"
        why = f"{cells} not asked, to keep within the budget; run again with a larger one to go on"
        return Failed(name="BudgetReached", message=f"{why}: {counts}")
    if outcome.waiting:
        gates = ", ".join(f"{gate}: {number}" for gate, number in Counter(one.gate for one in outcome.waiting).items())
        why = f"{questions_wait(outcome.waiting)} for a person ({gates}); the same run again goes on when answered"
        return Failed(name="Waiting", message=f"{why}: {counts}")
    if totals.cells_without_output:
        return Failed(name="Incomplete", message=f"{totals.without_output_text}: {counts}")
    if outcome.unsaved:
        why = "; ".join(str(one) for one in outcome.saved if not one.done)
        return Failed(name="NotSaved", message=f"{why} ({counts})")
    return Completed(message=counts, data=result_of(outcome))
