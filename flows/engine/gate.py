"""Gates: what a person is asked about a record, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from prefect.client.schemas.objects import State
from prefect.states import Completed

from contract.base import digest
from contract.errors import WaitsForPerson
from contract.flow import Gate
from contract.messages import AgentInput, AgentTrace, CellStatus
from contract.messages import CellError as ErrorRow
from contract.questions import Answer, Question, gate_output
from flows.engine.grid import RecordGroup
from flows.engine.held_back import hold_after, wait_for_person
from flows.engine.routing import SkipReason
from flows.engine.scope import CellOutput
from flows.gates.asked_at import gate_question
from flows.report.words import pluralised
from flows.spec.graph import upstream

PERSON = "person"
"""The agent in the traces of gates."""


def question_for(flow: str, name: str, gate: Gate, record_group: RecordGroup) -> Question:
    """What the gate asks about the record."""
    scope = record_group.scope
    record = (scope.record.record_id, scope.record.fingerprint, scope.round)
    return gate_question(flow, name, gate, record_group.inputs, record)


def unrun_trace(flow: str, name: str, gate: Gate, record_group: RecordGroup, why: SkipReason | Exception) -> AgentTrace:
    """The trace of a gate at which nobody is asked about the record: because of its condition, or of another gate."""
    if isinstance(why, SkipReason):
        ending = _Ending("skipped", None, why.note)
    else:
        status: CellStatus = "waiting" if isinstance(why, WaitsForPerson) else "failed"
        ending = _Ending(status, ErrorRow(kind=type(why).__name__, message=str(why)), None)
    question = question_for(flow, name, gate, record_group)
    return _trace(gate, question, None, record_group, ending).model_copy(update={"key": ""})


def take_answer(gate: Gate, question: Question, answer: Answer | None, record_group: RecordGroup) -> AgentTrace:
    """Puts the answer into the record's scope, or marks what waits for it; returns the trace of the gate."""
    scope, name = record_group.scope, question.gate
    trace = _trace(gate, question, answer, record_group, _ending(question, answer))
    if answer is None:
        wait_for_person(name, gate, scope, waiting_reason(question))
        return trace
    hold_after(question, answer, scope)
    if answer.decision not in ("skip", "fail"):
        value = gate_output(question, answer)
        scope.values[name] = value
        scope.outputs[name] = [CellOutput(trace, value)]
    return trace


def waiting_reason(question: Question) -> str:
    """Why something waits, for the reader of a table."""
    return f"waits for an answer at '{question.gate}'"


def time_limit_note(name: str, policy: str, answers: Sequence[Answer | None]) -> str | None:
    """What the run says of records for which nobody has answered in time; None where there are none."""
    decided = sum(answer is not None and answer.via == "time limit" for answer in answers)
    if not decided:
        return None
    records = pluralised(decided, "record")
    return f"nobody answered at '{name}' in time for {records}, so on_timeout decided: {policy}"


def gate_state(answers: Sequence[Answer | None]) -> State[None]:
    """The state in which the child run of a gate ends."""
    waiting = sum(answer is None for answer in answers)
    if waiting:
        return Completed(name="Waiting", message=f"{waiting} of {len(answers)} records wait for an answer")
    people = ", ".join(sorted({answer.by or answer.via for answer in answers if answer}))
    return Completed(message=f"{len(answers)} answered: {people}")


class _Ending(NamedTuple):
    status: CellStatus
    error: ErrorRow | None
    note: str | None


def _trace(
    gate: Gate, question: Question, answer: Answer | None, record_group: RecordGroup, ending: _Ending
) -> AgentTrace:
    scope = record_group.scope
    identity = [question.flow, question.gate, scope.record.record_id, list(scope.rounds), "gate"]
    now = answer.at if answer else datetime.now(UTC)
    return AgentTrace(
        cell_id=digest(identity),
        key=question.key,
        parents=scope.parent_ids(sorted(upstream(gate)), {}),
        flow=question.flow,
        step=question.gate,
        agent=PERSON,
        agent_version="1",
        record_id=scope.record.record_id,
        record_fingerprint=scope.record.fingerprint,
        variant_id=digest([question.gate, {}, None])[:12],
        round=scope.round,
        input=AgentInput(record=scope.record, inputs=record_group.inputs),
        status=ending.status,
        value=gate_output(question, answer) if answer and ending.status == "completed" else None,
        answer=answer,
        note=ending.note,
        error=ending.error,
        started=now,
        ended=now,
    )


def _ending(question: Question, answer: Answer | None) -> _Ending:
    if answer is None:
        return _Ending("waiting", ErrorRow(kind=WaitsForPerson.__name__, message=waiting_reason(question)), None)
    if answer.decision == "fail":
        return _Ending("failed", ErrorRow(kind="NoAnswer", message=answer.comment), None)
    if answer.decision == "skip":
        return _Ending("skipped", None, answer.comment)
    decision = "answered" if answer.decision == "answer" else answer.decision
    return _Ending("completed", None, f"{decision}{answer.reason}")
