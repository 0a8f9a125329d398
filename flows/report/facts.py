"""Facts: what a run's manifest and cells tell, in the order and words of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from flows.files.run_data import RunData
from flows.report.gathered import Asked, Gathered, Trouble
from flows.report.words import STATES, counted, day, flat, items, mapping, moment, size, span, whole
from flows.spec.nodes import steps_of

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class CriterionFact:
    """A criterion as a document."""

    name: str
    title: str
    about: Pairs
    text: str
    sha256: str
    verdicts: tuple[str, ...]

    @property
    def cited(self) -> str:
        """Author, source and date of retrieval in one line."""
        known = {name.lower(): value for name, value in self.about}
        retrieved = known.get("retrieved", "")
        retrieved = f"retrieved {retrieved}" if retrieved[:1].isdecimal() else retrieved
        return "; ".join(part.rstrip(".") for part in (known.get("author"), known.get("source"), retrieved) if part)


@dataclass(frozen=True)
class PromptFact:
    """A prompt and the steps that use it."""

    steps: tuple[str, ...]
    template: str
    sha256: str
    text: str


@dataclass(frozen=True)
class ModelFact:
    """A model, how it was set, and who answered when."""

    name: str
    made: str
    """Provider and the provider's name of it."""
    settings: str
    versions: tuple[str, ...]
    dates: str
    calls: int
    cost: str
    demonstration: bool


@dataclass(frozen=True)
class StepFact:
    """How the cells of one step ended."""

    name: str
    agent: str
    description: str
    counts: Mapping[str, int]


@dataclass(frozen=True)
class ShareFact:
    """The verdicts of one model by one criterion."""

    criteria: str
    model: str
    verdicts: tuple[tuple[str, int], ...]
    given: int
    without: int
    """Cells that gave no verdict."""


@dataclass(frozen=True)
class Facts:
    """All that a report says beside the matrix and the measures."""

    flow: str
    run: str
    folder: str
    description: str
    warning: str
    started: str | None
    ended: str | None
    dates: str
    request: Pairs
    criteria: tuple[CriterionFact, ...]
    prompts: tuple[PromptFact, ...]
    models: tuple[ModelFact, ...]
    steps: tuple[StepFact, ...]
    states: tuple[str, ...]
    """The states that occur."""
    troubles: tuple[Trouble, ...]
    shares: tuple[ShareFact, ...]
    spent: Pairs
    sources: tuple[tuple[str, str, str], ...]
    """Name, size and digest of each."""
    data: Pairs
    made_with: Pairs
    demonstration: bool
    records: int
    """Records that were judged."""
    judgements: int
    given: int
    """Judgements that came to a verdict."""
    holes: Mapping[str, int]
    """State -> judgements without a verdict."""
    repeats: int
    rounds: int
    """Of the loop that the judges are in; 0 outside loops."""
    quotations: int
    """Quotations in the judgements, each checked against its record."""
    invented: int
    """Those that do not stand there."""

    @property
    def titles(self) -> dict[str, str]:
        """Name of a criterion -> its title."""
        return {criterion.name: criterion.title for criterion in self.criteria}

    def title(self, name: str) -> str:
        """A criterion's title; its name where it has none."""
        return self.titles.get(name, name)


def facts_of(data: RunData, found: Gathered) -> Facts:
    """The facts of a run."""
    manifest, rows = data.manifest, found.rows
    run = flat(manifest.get("run") or data.folder.name)
    models = tuple(_models(manifest, found, sorted({row.model for row in rows})))
    statuses = Counter[str](row.status for row in rows if row.verdict is None)
    return Facts(
        flow=data.spec.name, run=run, folder=f"runs/{data.spec.name}/{run}",
        description=data.spec.description.strip(), warning=data.spec.content_warning.strip(),
        started=moment(manifest.get("started")), ended=moment(manifest.get("ended")),
        dates=span(day(manifest.get("started")), day(manifest.get("ended"))),
        request=[(name, flat(value)) for name, value in mapping(manifest.get("request")).items()],
        criteria=tuple(_criteria(manifest, found.criteria)), prompts=tuple(_prompts(manifest)), models=models,
        steps=tuple(_steps(data, found)), states=_states(found), troubles=tuple(_troubles(found)),
        shares=tuple(_shares(found)), spent=_spent(manifest), sources=tuple(_sources(manifest)), data=_data(manifest, found),
        made_with=_made_with(manifest),
        demonstration=any(row.quality == "demonstration" for row in rows) or any(m.demonstration for m in models),
        records=len(found.names), judgements=len(rows), given=sum(row.verdict is not None for row in rows),
        holes={state: statuses[state] for state in STATES if statuses[state]},
        repeats=max((row.repeat + 1 for row in rows), default=1),
        rounds=max((row.round for row in rows), default=0),
        quotations=found.quotations.total(), invented=found.quotations["not_found"],
    )  # fmt: skip


def _criteria(told: Mapping[str, Any], names: Mapping[str, str]) -> list[CriterionFact]:
    found = list[CriterionFact]()
    for name, content in sorted(mapping(told.get("criteria")).items()):
        known = mapping(content)
        about = [(key, flat(value)) for key, value in mapping(known.get("about")).items() if key != "title"]
        found.append(CriterionFact(
            name=names.get(name, name), title=flat(known.get("title") or name), about=about,
            text=flat(known.get("text")), sha256=flat(known.get("sha256")),
            verdicts=tuple(map(flat, items(known.get("verdicts")))),
        ))  # fmt: skip
    return found


def _prompts(told: Mapping[str, Any]) -> list[PromptFact]:
    steps = dict[tuple[str, str, str], list[str]]()
    for step, content in sorted(mapping(told.get("prompts")).items()):
        known = mapping(content)
        key = (flat(known.get("template")), flat(known.get("sha256")), flat(known.get("text")))
        steps.setdefault(key, []).append(step)
    seen = {text.strip() for _, _, text in steps}
    for name, content in sorted(mapping(told.get("texts")).items()):
        text = flat(mapping(content).get("text"))
        if name.startswith("prompts/") and text.strip() not in seen:
            steps.setdefault((name, flat(mapping(content).get("sha256")), text), [])
    return [PromptFact(tuple(names), *key) for key, names in steps.items()]


def _models(told: Mapping[str, Any], found: Gathered, raters: Sequence[str]) -> list[ModelFact]:
    configs, served = mapping(told.get("models")), mapping(told.get("served_by"))
    used = {name for name, one in found.asked.items() if name and one.calls}
    names = sorted(set(configs) | used) or list(raters)
    return [
        _model(name, mapping(configs.get(name)), items(served.get(name)), found.asked.get(name, Asked()))
        for name in names
    ]


def _model(name: str, config: Mapping[str, Any], served: Sequence[Any], asked: Asked) -> ModelFact:
    provider_and_model = [flat(config.get("provider") or config.get("kind"))]
    provider_and_model += [
        flat(config.get("model_id")) or PurePath(flat(config.get("path"))).name or flat(config.get("version"))
    ]
    settings = mapping(config.get("settings"))
    cost = f"US$ {asked.cost.normalize():f}" if asked.calls else "–"
    return ModelFact(
        name=name, made=" / ".join(part for part in provider_and_model if part),
        settings=", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items() if value is not None),
        versions=tuple(sorted({*map(flat, served), *asked.versions})), dates=span(day(asked.first), day(asked.last)),
        calls=asked.calls, cost="unknown" if asked.unknown else cost,
        demonstration=asked.demonstration or config.get("kind") == "embedded",
    )  # fmt: skip


def _steps(data: RunData, found: Gathered) -> list[StepFact]:
    declared = steps_of(data.spec)
    ordered = [*(name for name in declared if name in found.states), *sorted(set(found.states) - set(declared))]
    return [
        StepFact(
            name, declared[name].agent if name in declared else "",
            declared[name].description if name in declared else "", found.states[name],
        )
        for name in ordered
    ]  # fmt: skip


def _states(found: Gathered) -> tuple[str, ...]:
    present = {state for counts in found.states.values() for state in counts}
    return tuple(state for state in STATES if state in present)


def _troubles(found: Gathered) -> list[Trouble]:
    order = list(STATES)
    return sorted(found.troubles.values(), key=lambda one: (order.index(one.status), -one.count, one.step, one.reason))


def _shares(found: Gathered) -> list[ShareFact]:
    verdict_counts = dict[tuple[str, str], Counter[str | None]]()
    for row in found.rows:
        verdict_counts.setdefault((row.criteria, row.model), Counter())[row.verdict] += 1
    return [
        ShareFact(
            criteria, model, tuple(sorted((name, n) for name, n in counts.items() if name is not None)),
            sum(n for name, n in counts.items() if name is not None), counts[None],
        )
        for (criteria, model), counts in sorted(verdict_counts.items())
    ]  # fmt: skip


def _spent(told: Mapping[str, Any]) -> Pairs:
    calls, usage = mapping(told.get("calls")), mapping(told.get("usage"))
    pairs = [
        ("Calls paid for in this run", f"{whole(calls.get('paid')):,}"),
        ("Replies read again instead of paid for", f"{whole(calls.get('kept')):,}"),
        ("Tokens sent", f"{whole(usage.get('input_tokens')):,}"),
        ("of which from the provider’s prompt cache", f"{whole(usage.get('cached_input_tokens')):,}"),
        ("Tokens received", f"{whole(usage.get('output_tokens')):,}"),
        ("Cost", cost_of(told)),
    ]
    pairs += _repeated(mapping(told.get("spend")))
    pairs += [("Budget", f"US$ {told['budget']}")] if told.get("budget") is not None else []
    return [*pairs, ("Rows of the data that could not be read", flat(whole(told.get("rejected_rows"))))]


def _repeated(spend: Mapping[str, Any]) -> Pairs:
    pairs = [("Price of the replies read again", f"US$ {spend['kept_usd']}")] if spend.get("kept_usd") else []
    if whole(spend.get("repeated_calls")):
        text = f"{spend['repeated_calls']:,}, US$ {spend.get('repeated_usd')}"
        pairs.append(("Calls asked again, since an interruption lost their replies", text))
    return pairs


def cost_of(told: Mapping[str, Any]) -> str:
    """What was paid, or that it is not known."""
    unknown = whole(told.get("calls_of_unknown_price"))
    if unknown:
        return f"unknown: {counted(unknown, 'call')} without a known price"
    return "unknown" if told.get("cost_usd") is None else f"US$ {told['cost_usd']}"


def _sources(told: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    known = [mapping(each) for each in items(told.get("sources"))]
    return [(PurePath(flat(one.get("path"))).name, size(one.get("bytes")), flat(one.get("sha256"))) for one in known]


def _data(told: Mapping[str, Any], found: Gathered) -> Pairs:
    records = mapping(told.get("records"))
    pairs = [("Records", f"{whole(records.get('count')) or len(found.names):,}")]
    pairs += [("Sample", f"{told['sample']} drawn with seed {flat(told.get('seed'))}")] if told.get("sample") else []
    return [*pairs, ("Digest of all records", flat(records.get("fingerprint")))]


def _made_with(told: Mapping[str, Any]) -> Pairs:
    pairs = [(name, flat(version)) for name, version in sorted(mapping(told.get("packages")).items()) if version]
    pairs += [("Python", flat(told["python"]))] if told.get("python") else []
    return pairs + ([("Git revision", flat(told["git_revision"]))] if told.get("git_revision") else [])
