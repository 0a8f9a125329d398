"""One run over many workers: its shards are child runs, whose results make one folder."""

from __future__ import annotations

from agents.llms.factory import ModelRegistry
from contract.questions import Question
from flows.files.folder import new_run_folder, read_traces
from flows.gates.desk import Desk
from flows.results.open import result_store
from flows.run.listener import RunListener
from flows.run.people import WaitingFile
from flows.run.run_input import RunInput
from flows.run.run_notes import RunNotes
from flows.run.run_story import RunStory
from flows.run_folder.finish import finish_run, run_manifest
from flows.run_folder.outcome import Outcome
from flows.server.current_flow_run import current_flow_run_id
from flows.shards.shard_result import (
    count_lost_payments,
    merge_answers,
    merge_results,
    merge_totals,
    remove_shards,
)
from flows.shards.supervisor import run_shards, shards_manifest
from flows.spec.study import Study


async def run_sharded(study: Study, listener: RunListener) -> tuple[Outcome, Desk]:
    """Runs the shards as child runs, and writes one folder from them, the same as that of a single run."""
    notes = RunNotes(study.result_notices, listener.on_note)
    run_input = await RunInput.read(study, listener, notes)
    records = run_input.records
    story = RunStory(study, len(records))
    story.begin(len(run_input.rejects))
    shards = await run_shards(study, records)
    shard_results = {shard.number: shard.result for shard in shards if shard.result}
    folder, store = new_run_folder(study.run.folder, study.flow.name), result_store(study.run.results)
    merge_answers(store, list(shard_results.values()), folder / "answers.jsonl")
    all_rejects = dict.fromkeys([*run_input.rejects, *(one for part in shard_results.values() for one in part.rejects)])
    totals = merge_totals(shard_results.values())
    if lost_runs := {str(run) for shard in shards for run in shard.lost_run_ids}:
        count_lost_payments(totals, read_traces(folder / "answers.jsonl"), lost_runs)
    outcome = Outcome(folder, totals, list(all_rejects), current_flow_run_id())
    outcome.records = len(records)
    outcome.results = merge_results(records, shard_results, study.run.shards) if study.flow.result else []
    models = ModelRegistry(study.models)
    try:
        manifest = run_manifest(study, run_input.start, records, outcome, models)
    finally:
        await models.aclose()
    waiting = [Question.model_validate(one) for part in shard_results.values() for one in part.waiting]
    WaitingFile(folder, listener.people, study.run.results).leave(outcome, waiting)
    for part in shard_results.values():
        notes.keep(part.manifest.get("notes", ()))
    await finish_run(study, {**manifest, "shards": shards_manifest(shards), **notes.as_field()}, outcome)
    story.end(outcome)
    remove_shards(store, shard_results.values())
    return outcome, run_input.desk
