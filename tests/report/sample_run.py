"""Sample studies as run folders: mild made-up letters to a newspaper, with made-up judgements."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from contract.base import JsonValue, digest
from contract.calls import Message, ModelCall, ModelReply, TextPart, Usage
from contract.messages import AgentInput, AgentTrace, CellError, CellStatus
from contract.record import Record
from flows.files.run_data import RunData
from flows.measures.results import Comparison, Estimate, MeasureResults
from flows.tables.verdict_row import VerdictRow

STARTED = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
VERDICTS = ("violates", "complies", "unclear")
_TOPICS = (
    "the new opening hours of the town library", "cats in the bakery", "the benches on the market square",
    "the late bus to the harbour", "the brass band's rehearsals", "pigeons on the school roof",
    "the price of plums", "the crossword of last Saturday",
)  # fmt: skip
_RUDE = (
    "Whoever thought of this must have turnips for brains.", "People from the upper town were born grumpy.",
    "I hope their umbrellas turn inside out.", "They are no better than geese.",
)  # fmt: skip
_POLITE = (
    "I see why others think differently.", "My neighbour called it “a feast for geese”, which I thought unkind.",
    "Perhaps we could try it for a month and ask again.", "I am grateful to everyone who helped.",
)  # fmt: skip
_PROMPT = "system:\nYou judge one letter.\nuser:\n{{ record.text }}"
_SETTINGS = {"temperature": 0.0, "max_tokens": 2048, "seed": 1}
_REASONS = {True: "The letter speaks of people in this way.", False: "The letter does not speak of people in this way."}
_RULES = (
    "calls people less than human", "wishes harm on a person", "mocks what nobody chose",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """The kind of study to make up."""

    records: int = 36
    models: tuple[str, ...] = ("claude-haiku", "gemini-flash", "gpt-mini")
    criteria: tuple[str, ...] = ("courtesy", "relevance")
    repeats: int = 1
    warning: str = ""
    quality: str = "full"
    extra: tuple[Record, ...] = ()
    """Records in addition to the made-up ones, judged first."""
    failures: bool = True
    """Whether some cells are refused or fail."""
    steps: bool = True
    """Whether a synthesis and the differences follow the judgements."""
    manifest: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


@dataclass(frozen=True)
class SampleRun:
    """A sample's folder, rows and measures."""

    data: RunData
    rows: tuple[VerdictRow, ...]
    measured: MeasureResults
    records: tuple[Record, ...]


def write_sample(folder: Path, sample: Sample | None = None) -> SampleRun:
    """Writes the run folder of a sample."""
    sample = sample or Sample()
    folder.mkdir(parents=True, exist_ok=True)
    records = (*sample.extra, *_letters(sample.records))
    rows = list[VerdictRow]()
    with (folder / "answers.jsonl").open("w", encoding="utf-8") as file:
        for trace, row in _cells(sample, records):
            file.write(trace.model_dump_json() + "\n")
            rows += [row] if row else []
    (folder / "manifest.json").write_text(json.dumps(_manifest(sample, records, folder.name)), encoding="utf-8")
    return SampleRun(RunData.open(folder), tuple(rows), _measured(sample, rows), records)


def _letters(count: int) -> Iterator[Record]:
    for number in range(1, count + 1):
        pick = Random(number)
        matter = pick.choice(_TOPICS)
        rude = pick.random() < 0.4
        sentences = [pick.choice(_RUDE if rude and part == 1 else _POLITE) for part in range(3)]
        text = (
            f"To the editor: I read with interest about {matter}.\n\n{' '.join(dict.fromkeys(sentences))}\n\nA reader"
        )
        yield Record(
            record_id=f"letter-{number}", title=f"On {matter}", text=text,
            metadata={"year": pick.choice([1924, 1925, 1926]), "paper": pick.choice(["Courier", "Evening Post"])},
            ground_truth={"courtesy": rude} if pick.random() < 0.9 else None,
        )  # fmt: skip


def _cells(sample: Sample, records: Sequence[Record]) -> Iterator[tuple[AgentTrace, VerdictRow | None]]:
    for number, record in enumerate(records):
        for criteria in sample.criteria:
            judged = list[AgentTrace]()
            for model in sample.models:
                for repeat in range(sample.repeats):
                    trace = _judged(sample, record, number, criteria, model, repeat)
                    judged.append(trace)
                    yield trace, _row(sample, trace, criteria, model)
            if sample.steps:
                yield _synthesis(record, criteria, judged), None
                yield _differences(record, criteria, judged), None


def _judged(sample: Sample, record: Record, number: int, criteria: str, model: str, repeat: int) -> AgentTrace:
    chance = Random(f"{record.record_id}{criteria}{model}{repeat}")
    status: CellStatus = "completed"
    error = None
    note = None
    if sample.failures and chance.random() < 0.03:
        status, note = "refused", "the model declined to answer"
    elif sample.failures and chance.random() < 0.02:
        status, error = "failed", CellError(kind="Timeout", message="no answer within 120 seconds")
    value = _judgement(record, criteria, model, chance, sample.quality) if status == "completed" else None
    return _trace(
        "judge", record, {"criteria": criteria, "model": model}, repeat, status=status, value=value, note=note,
        error=error, calls=(_call(record, model, sample.quality),) if status != "failed" else (), minutes=number,
    )  # fmt: skip


def _judgement(record: Record, criteria: str, model: str, chance: Random, quality: str) -> dict[str, Any]:
    rude = next((text for text in _RUDE if text in record.text), None)
    verdict = "violates" if rude and criteria == "courtesy" else "complies"
    if chance.random() < 0.12:
        verdict = chance.choice(VERDICTS)
    quote = rude or next((text for text in _POLITE if text in record.text), record.text[:40])
    start = record.text.find(quote)
    found: dict[str, Any] = {"quote": quote, "status": "found", "field": "text", "start": start}
    found |= {"end": start + len(quote)} | ({"locator": record.locators[0].name} if record.locators else {})
    made_up = {"quote": "words that nobody wrote", "status": "not_found"}
    reasons = [
        {
            "rule": rule,
            "applies": "yes" if verdict == "violates" and not place else "unclear" if verdict == "unclear" else "no",
            "reason": _REASONS[verdict == "violates" and not place],
            "quotes": [] if place > 1 else [found] if place == 0 else [made_up] if chance.random() < 0.2 else [],
        }
        for place, rule in enumerate(_RULES)
    ]
    return {
        "verdict": verdict, "uncertainty": chance.choice(["low", "low", "medium", "high"]),
        "conclusion": f"The letter {verdict} when read against {criteria}; its tone is what decides.",
        "reasons": reasons, "criteria": criteria, "model": model, "quality": quality,
    }  # fmt: skip


def _row(sample: Sample, trace: AgentTrace, criteria: str, model: str) -> VerdictRow:
    record, value = trace.input.record, dict(trace.value or {})
    label = (record.ground_truth or {}).get("courtesy")
    truth = None if label is None or criteria != "courtesy" else "violates" if label else "complies"
    verdict, uncertainty = value.get("verdict"), value.get("uncertainty")
    return VerdictRow(
        record_id=record.record_id, criteria=criteria, model=model, repeat=trace.repeat, round=0, status=trace.status,
        verdict=str(verdict) if verdict else None, uncertainty=str(uncertainty) if uncertainty else None, truth=truth,
        groups={"year": record.metadata.get("year")}, quality=sample.quality, cell_id=trace.cell_id,
        variant_id=trace.variant_id,
    )  # fmt: skip


def _synthesis(record: Record, criteria: str, judged: Sequence[AgentTrace]) -> AgentTrace:
    first = next((trace for trace in judged if trace.value), None)
    value = dict(first.value) if first and first.value else None
    status: CellStatus = "completed" if value else "missing_input"
    if value:
        value |= {"conclusion": "Taken together, the answers agree on the tone of the letter.", "model": None}
    return _trace("synthesise", record, {"criteria": criteria}, 0, status=status, value=value, parents=judged)


def _differences(record: Record, criteria: str, judged: Sequence[AgentTrace]) -> AgentTrace:
    verdicts = {str(trace.value["verdict"]) for trace in judged if trace.value}
    if len(verdicts) < 2:
        note = "the answers do not part"
        return _trace("differences", record, {"criteria": criteria}, 0, status="skipped", note=note, parents=judged)
    positions = [
        {"position": f"The letter {verdict}.", "held_by": [f"A{n}"]}
        for n, verdict in enumerate(sorted(verdicts), start=1)
    ]
    value = {
        "conclusion": "The answers part on whether teasing is mockery.",
        "divergences": [{"topic": "Is it mockery?", "positions": positions}],
    }
    return _trace("differences", record, {"criteria": criteria}, 0, value=value, parents=judged)


def _trace(
    step: str, record: Record, variant: dict[str, Any], repeat: int, *, status: CellStatus = "completed",
    value: dict[str, Any] | None = None, note: str | None = None, error: CellError | None = None,
    calls: tuple[ModelCall, ...] = (), parents: Sequence[AgentTrace] = (), minutes: int = 0,
) -> AgentTrace:  # fmt: skip
    cell_id = digest([step, record.record_id, variant, repeat])
    return AgentTrace(
        cell_id=cell_id, key=cell_id, parents=tuple(trace.cell_id for trace in parents), flow="letters", step=step,
        agent=step, agent_version="1", record_id=record.record_id, record_fingerprint=digest(record.record_id),
        variant=variant, variant_id=digest(variant)[:12], repeat=repeat, status=status, value=value, note=note,
        error=error, calls=calls, input=AgentInput(record=record, parameters=variant, repeat=repeat),
        started=STARTED + timedelta(minutes=minutes), ended=STARTED + timedelta(minutes=minutes, seconds=2),
    )  # fmt: skip


def _call(record: Record, model: str, quality: Any) -> ModelCall:
    reply = ModelReply(
        text="{}", usage=Usage(input_tokens=420, output_tokens=130), cost_usd=Decimal("0.0004"),
        served_by=f"{model}-20260201", quality=quality, started=STARTED, ended=STARTED + timedelta(seconds=2),
    )  # fmt: skip
    message = Message(role="user", parts=(TextPart(text=f"Judge {record.record_id}."),))
    return ModelCall(key=digest([record.record_id, model]), messages=(message,), reply=reply)


def _manifest(sample: Sample, records: Sequence[Record], run: str) -> dict[str, Any]:
    judged = len(records) * len(sample.criteria) * len(sample.models) * sample.repeats
    kind = {"kind": "embedded", "version": "1"} if sample.quality == "demonstration" else {"kind": "hosted"}
    return {
        "flow": "letters", "run": run, "started": "2026-03-04T09:30:00+00:00", "ended": "2026-03-04T10:12:41+00:00",
        "request": {"sample": sample.records, "seed": 7}, "flow_spec": _spec(sample),
        "prompts": {"judge": {"template": "judge", "sha256": digest(_PROMPT), "text": _PROMPT}},
        "criteria": {name: _criterion(name) for name in sample.criteria},
        "models": {
            name: {**kind, "provider": "example", "model_id": f"{name}-2026", "settings": _SETTINGS}
            for name in sample.models
        },
        "served_by": {name: [f"{name}-20260201"] for name in sample.models},
        "records": {"count": len(records), "fingerprint": digest([record.record_id for record in records])},
        "sources": [{"path": "letters.jsonl", "sha256": digest("letters"), "bytes": 48_213}],
        "calls": {"paid": judged - 12, "kept": 12},
        "usage": {"input_tokens": 420 * judged, "output_tokens": 130 * judged, "cached_input_tokens": 1024},
        "cost_usd": "0.0864", "calls_of_unknown_price": 0, "rejected_rows": 2,
        "packages": {"buttermilk": "0.1.0", "prefect": "3.8.8", "pydantic": "2.14.3"}, "python": "3.11.7",
        "git_revision": "58e9d550ce44898b30cf20da87a4e848239a9149", "sample": sample.records, "seed": 7,
        **sample.manifest,
    }  # fmt: skip


def _criterion(name: str) -> dict[str, Any]:
    rules = "\n".join(f"{number}. It {rule}." for number, rule in enumerate(_RULES, start=1))
    titles = {"courtesy": "Plain courtesy", "relevance": "Local relevance"}
    return {
        "title": titles.get(name, name), "sha256": digest(name), "verdicts": list(VERDICTS),
        "about": {"author": "Buttermilk", "source": "Made up for this sample", "retrieved": "2026-01-01"},
        "text": "A letter breaks this rule when it does one of the following:\n\n" + rules,
    }  # fmt: skip


def _spec(sample: Sample) -> dict[str, Any]:
    labels = {"true": "violates", "false": "complies"}
    judge = {
        "agent": "judge", "description": "Judges one letter by one criterion.", "inputs": {"text": "record.text"},
        "variants": {"criteria": list(sample.criteria), "model": list(sample.models)}, "repeats": sample.repeats,
    }  # fmt: skip
    after = {
        "synthesise": {"agent": "synthesise", "inputs": {"answers": "judge"}, "group_by": ["criteria"]},
        "differences": {"agent": "differences", "inputs": {"answers": "judge"}, "group_by": ["criteria"]},
    }
    return {
        "name": "letters", "description": "How courteous were letters to the editor?", "records": "letters",
        "steps": {"judge": judge} | (after if sample.steps else {}), "content_warning": sample.warning,
        "measures": {"verdicts": "judge", "truth": {"courtesy": "courtesy"}, "by": ["year"], "labels": labels},
    }  # fmt: skip


def _measured(sample: Sample, rows: Sequence[VerdictRow]) -> MeasureResults:
    comparisons = [
        *(_with_truth(rows, model, "", "") for model in sample.models),
        *(_with_truth(rows, model, "year", str(year)) for model in sample.models for year in (1924, 1925, 1926)),
        *(
            _pair(rows, criteria, first, second)
            for criteria in sample.criteria
            for place, first in enumerate(sample.models)
            for second in sample.models[place + 1 :]
        ),
        *(_all_models(sample, criteria) for criteria in sample.criteria),
    ]
    return MeasureResults(
        tuple(comparisons), "Intervals are 95% bootstrap intervals over records (1,000 resamples, seed 0)."
    )


def _with_truth(rows: Sequence[VerdictRow], model: str, by: str, group: str) -> Comparison:
    mine = [row for row in rows if row.model == model and row.truth and row.verdict]
    mine = [row for row in mine if not by or str(row.groups.get(by)) == group]
    confusion = dict[str, dict[str, int]]()
    for row in mine:
        of_truth = confusion.setdefault(str(row.truth), {})
        of_truth[str(row.verdict)] = of_truth.get(str(row.verdict), 0) + 1
    right = sum(row.truth == row.verdict for row in mine)
    true_positive_count = sum(row.truth == row.verdict == "violates" for row in mine)
    predicted_count = sum(row.verdict == "violates" for row in mine)
    actual_count = sum(row.truth == "violates" for row in mine)
    estimates = (
        _proportion("accuracy", right, len(mine)),
        _proportion("precision", true_positive_count, predicted_count),
        _proportion("recall", true_positive_count, actual_count),
    )
    return Comparison(
        kind="truth", criteria="courtesy", by=by, group=group, raters=("ground truth", model), records=len(mine),
        left_out=2, estimates=estimates, confusion=confusion,
    )  # fmt: skip


def _pair(rows: Sequence[VerdictRow], criteria: str, first: str, second: str) -> Comparison:
    verdicts = {(row.record_id, row.model): row.verdict for row in rows if row.criteria == criteria and row.verdict}
    both = [record for record, model in verdicts if model == first and (record, second) in verdicts]
    same = sum(verdicts[record, first] == verdicts[record, second] for record in both)
    agreement = _proportion("percent_agreement", same, len(both))
    kappa = replace(agreement, measure="cohen_kappa")
    if kappa.value is not None and kappa.low is not None:
        kappa = replace(kappa, value=2 * kappa.value - 1, low=2 * kappa.low - 1, high=2 * (kappa.high or 0) - 1)
    return Comparison("models", criteria, "", "", (first, second), len(both), 1, (agreement, kappa))


def _all_models(sample: Sample, criteria: str) -> Comparison:
    why = "every rater gave the same verdict to every record, so chance agreement is 1"
    alpha = Estimate("krippendorff_alpha", 0.62, 0.48, 0.74)
    if criteria != "courtesy":
        alpha = Estimate("krippendorff_alpha", None, undefined=why)
    return Comparison("all_models", criteria, "", "", sample.models, sample.records, 0, (alpha,))


def _proportion(measure: str, part: int, whole: int) -> Estimate:
    if not whole:
        return Estimate(measure, None, undefined="no record to measure it on")
    value = part / whole
    reach = 1.96 * (value * (1 - value) / whole) ** 0.5
    return Estimate(measure, value, max(0.0, value - reach), min(1.0, value + reach))
