"""Finished runs without running anything: traces, and folders that hold them as a run leaves them.

folder = finished_run(tmp_path / "run")
data = RunData.open(folder)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from contract.base import JsonValue, digest
from contract.calls import Message, ModelCall, ModelReply, TextPart, Usage
from contract.flow import FlowSpec
from contract.judgements import CheckedReason, Judgement, RecordQuote
from contract.messages import AgentInput, AgentTrace, CellError, CellStatus, output_value
from contract.record import Record

CRITERIA = ("ordinary", "vaw")
MODELS = ("alpha", "beta", "gamma")
_STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_ERRORS: Mapping[CellStatus, CellError] = {
    "failed": CellError(kind="RateLimited", message="the service had no room, however often it was asked"),
    "missing_input": CellError(kind="MissingInput", message="a step before it gave nothing"),
    "over_budget": CellError(kind="OverBudget", message="the call could have passed the budget of US$ 1"),
}
_NOTES: Mapping[CellStatus, str] = {
    "refused": "the model declined",
    "truncated": "cut at the token limit",
    "skipped": "`when` does not hold",
}


def record(number: int, **more: Any) -> Record:
    """Record `r0`, `r1` … : every second one is labelled as violating, and its source alternates by threes."""
    fields: dict[str, Any] = {
        "record_id": f"r{number}",
        "title": f"Record {number}",
        "text": f"This is what was said in record {number}. It goes on, with words to quote.",
        "metadata": {"source": ("press", "forum", "letters")[number % 3], "year": 1990 + number},
        "ground_truth": {"label": number % 2 == 0, "answer": {"by": "coders", "votes": 3}},
        "uri": f"https://example.org/{number}",
    }
    return Record.model_validate({**fields, **more})


def judgement(of: Record, verdict: str, criteria: str, model: str) -> dict[str, JsonValue]:
    """A judge's output: two reasons, one quotation that stands in the record and one that does not."""
    start = of.text.find("what was said")
    found = RecordQuote(quote="what was said", status="found", field="text", start=start, end=start + 13)
    stands = found if start >= 0 else RecordQuote(quote="what was said", status="not_found")
    made_up = RecordQuote(quote="words that nobody wrote", status="not_found")
    return output_value(
        Judgement(
            verdict=verdict,
            uncertainty="low" if verdict != "unclear" else "high",
            conclusion=f"It {verdict}, says {model}.",
            reasons=(
                CheckedReason(rule="rule 1", applies="yes", reason="It says so.", quotes=(stands,)),
                CheckedReason(rule="rule 2", applies="unclear", reason="Hard to tell.", quotes=(made_up,)),
            ),
            criteria=criteria,
            model=model,
        )
    )


def call(text: str, *, model: str = "alpha", cost: Decimal | None = Decimal("0.0012")) -> ModelCall:
    """One call that was answered with `text`."""
    asked = Message(role="user", parts=(TextPart(text="Judge this."),))
    usage = Usage(input_tokens=100, output_tokens=20)
    ended = _STARTED + timedelta(seconds=2)
    reply = ModelReply(text=text, usage=usage, cost_usd=cost, served_by=model, started=_STARTED, ended=ended)
    return ModelCall(key=digest([model, text]), messages=(asked,), reply=reply)


def cell(
    of: Record,
    variant: Mapping[str, JsonValue],
    *,
    status: CellStatus = "completed",
    value: Mapping[str, JsonValue] | None = None,
    step: str = "judge",
    repeat: int = 0,
    round: int = 0,
    calls: Sequence[ModelCall] | None = None,
    **more: Any,
) -> AgentTrace:
    """One cell of `step`; without `value`, a completed one has the verdict `violates`."""
    criteria, model = str(variant.get("criteria", "")), str(variant.get("model", ""))
    if status == "completed" and value is None:
        value = judgement(of, "violates", criteria, model)
    agent_input = AgentInput(record=of, parameters={"template": "judge", **variant}, repeat=repeat)
    was_answered = status in ("completed", "refused", "truncated")
    model_calls = tuple(calls) if calls is not None else (call(json.dumps(value), model=model),) if was_answered else ()
    fields: dict[str, Any] = {
        "cell_id": digest(["study", step, of.record_id, dict(variant), repeat, round]),
        "key": digest([of.fingerprint, dict(variant), repeat, round]),
        "flow": "study",
        "step": step,
        "agent": "judge",
        "agent_version": "1",
        "record_id": of.record_id,
        "record_fingerprint": of.fingerprint,
        "variant": dict(variant),
        "variant_id": digest([step, dict(variant)])[:12],
        "repeat": repeat,
        "round": round,
        "input": agent_input,
        "status": status,
        "value": value if status == "completed" else None,
        "calls": model_calls,
        "note": _NOTES.get(status),
        "error": _ERRORS.get(status),
        "started": _STARTED,
        "ended": _STARTED + timedelta(seconds=2),
    }
    return AgentTrace.model_validate({**fields, **more})


def spec(**measures: Any) -> FlowSpec:
    """A study of one step `judge`; keywords are fields of its `measures`."""
    measure_fields = {
        "verdicts": "judge",
        "truth": dict.fromkeys(CRITERIA, "label"),
        "labels": {"true": "violates", "false": "allowed"},
        **measures,
    }
    return FlowSpec.model_validate(
        {
            "name": "study",
            "description": "Records are judged against criteria.",
            "records": "texts",
            "steps": {"judge": {"agent": "judge", "variants": {"criteria": list(CRITERIA), "model": list(MODELS)}}},
            "measures": measure_fields,
        }
    )


def write_run(folder: Path, traces: Iterable[AgentTrace], flow: FlowSpec | None = None, **manifest: Any) -> Path:
    """A run's folder with these traces, in their order; keywords are added to its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    run_fields: dict[str, Any] = {
        "flow": "study",
        "run": "20260102T030405",
        "request": {},
        "config": {},
        "prompts": {},
        "models": {},
    }
    counts: dict[str, Any] = {"cells": {}, "calls": {"paid": 0, "kept": 0}, "cost_usd": "0", "packages": {}}
    content = {**run_fields, **counts, "flow_spec": (flow or spec()).model_dump(mode="json"), **manifest}
    (folder / "manifest.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(trace.model_dump_json() + "\n" for trace in traces)
    return folder


def finished_run(
    folder: Path,
    records: int = 6,
    criteria: Sequence[str] = CRITERIA,
    models: Sequence[str] = MODELS,
    repeats: int = 1,
    **measures: Any,
) -> Path:
    """A run over `r0`, `r1` …: the models agree mostly; one cell is refused, one failed, and one is not there at all.

    Of the first criterion, the first model's cell for `r0` is refused, the last model's for `r1` failed and the last
    model's for `r2` is missing.
    """
    flow = spec(**measures)
    traces = (
        _judged(record(number), criterion, model, place, repeat)
        for number in range(records)
        for place, criterion in enumerate(criteria)
        for model in models
        for repeat in range(repeats)
        if (number, place, model) != (2, 0, models[-1])
    )
    return write_run(folder, (_with_failed_cells(trace, criteria[0], models) for trace in traces), flow)


def _judged(of: Record, criteria: str, model: str, place: int, repeat: int) -> AgentTrace:
    number = int(of.record_id[1:])
    chance = int(digest([number, criteria, model, repeat])[:4], 16) % 10
    right = "violates" if number % 2 == place % 2 else "allowed"
    wrong = "allowed" if right == "violates" else "violates"
    verdict = "unclear" if chance == 0 else wrong if chance < 3 else right
    value = judgement(of, verdict, criteria, model)
    return cell(of, {"criteria": criteria, "model": model}, value=value, repeat=repeat)


def _with_failed_cells(trace: AgentTrace, criterion: str, models: Sequence[str]) -> AgentTrace:
    if trace.variant["criteria"] != criterion:
        return trace
    status: CellStatus
    if (trace.record_id, trace.variant["model"]) == ("r0", models[0]):
        status = "refused"
    elif (trace.record_id, trace.variant["model"]) == ("r1", models[-1]):
        status = "failed"
    else:
        return trace
    return cell(trace.input.record, trace.variant, status=status, repeat=trace.repeat)
