"""Collects the facts of a report from a run's manifest and cells, in the order and words of the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from contract.codebook import codebook_of, variable_name
from flows.files.run_data import RunData
from flows.report.facts import (
    CriterionFact,
    Facts,
    LabelledValues,
    ModelFact,
    PromptFact,
    ShareFact,
    StepFact,
    VariableFact,
)
from flows.report.inclusion import inclusion_sentence
from flows.report.report_data import MissingOutput, ModelUsage, ReportData
from flows.report.words import (
    STATUS_LABELS,
    as_int,
    as_list,
    as_mapping,
    format_bytes,
    format_date,
    format_date_range,
    format_datetime,
    one_line,
    pluralised,
)
from flows.spec.nodes import steps_of


def build_facts(data: RunData, report_data: ReportData) -> Facts:
    """The facts of a run."""
    manifest, rows = data.manifest, report_data.rows
    gold = as_mapping(manifest.get("gold"))
    decided = {how: as_int(count) for how, count in as_mapping(gold.get("how")).items() if how != "open"}
    run = one_line(manifest.get("run") or data.folder.name)
    models = tuple(_models(manifest, report_data, sorted({row.model for row in rows})))
    statuses = Counter[str](row.status for row in rows if row.verdict is None)
    return Facts(
        flow=data.spec.name, run=run, folder=f"runs/{data.spec.name}/{run}",
        description=data.spec.description.strip(), warning=data.spec.content_warning.strip(),
        started=format_datetime(manifest.get("started")), ended=format_datetime(manifest.get("ended")),
        dates=format_date_range(format_date(manifest.get("started")), format_date(manifest.get("ended"))),
        request=[(name, one_line(value)) for name, value in as_mapping(manifest.get("request")).items()],
        criteria=tuple(_criteria(manifest, report_data.criterion_names)), prompts=tuple(_prompts(manifest)),
        models=models, steps=tuple(_steps(data, report_data)), states=_states(report_data),
        missing_outputs=tuple(_missing_outputs(report_data)), shares=tuple(_shares(report_data)),
        usage_and_cost=_usage_and_cost(manifest), sources=tuple(_sources(manifest)),
        data=_data(manifest, report_data), software=_software(manifest),
        demonstration=any(row.quality == "demonstration" for row in rows) or any(m.demonstration for m in models),
        records=len(report_data.record_ids), judgements=len(rows),
        judgements_with_verdict=sum(row.verdict is not None for row in rows),
        judgements_without_verdict={state: statuses[state] for state in STATUS_LABELS if statuses[state]},
        repeats=max((row.repeat + 1 for row in rows), default=1),
        rounds=max((row.round for row in rows), default=0),
        quotations=report_data.quotations.total(), quotations_not_found=report_data.quotations["not_found"],
        gold=_gold(gold), gold_decisions=sum(decided.values()), gold_corrections=decided.get("corrected", 0),
        gold_inclusion=inclusion_sentence(gold),
        gold_open=as_int(as_mapping(gold.get("how")).get("open")),
    )  # fmt: skip


def _gold(known: Mapping[str, Any]) -> str:
    if not known:
        return ""
    name = PurePath(one_line(known.get("path"))).name
    return f"{name}, version {as_int(known.get('version'))}, digest {one_line(known.get('digest'))[:12]}"


def _criteria(manifest: Mapping[str, Any], names: Mapping[str, str]) -> list[CriterionFact]:
    found = list[CriterionFact]()
    for name, content in sorted(as_mapping(manifest.get("criteria")).items()):
        known = as_mapping(content)
        about = [(key, one_line(value)) for key, value in as_mapping(known.get("about")).items() if key != "title"]
        found.append(CriterionFact(
            name=names.get(name, name), title=one_line(known.get("title") or name), about=about,
            text=one_line(known.get("text")), sha256=one_line(known.get("sha256")),
            verdicts=tuple(map(one_line, as_list(known.get("verdicts")))),
            variables=tuple(_variables(names.get(name, name), known)),
        ))  # fmt: skip
    return found


def _variables(criterion: str, known: Mapping[str, Any]) -> Iterator[VariableFact]:
    codebook, title = codebook_of(known), one_line(known.get("title") or criterion)
    for one in codebook.variables if codebook else ():
        options = tuple((name, one_line(one.definitions.get(name) or "")) for name in one.allowed or one.options)
        words = f"{title}: {one.name.replace('_', ' ')}"
        yield VariableFact(
            variable_name(criterion, one.name), words, KINDS[one.type], one_line(one.description), options,
            one.is_in_words, one.allowed,
        )  # fmt: skip


KINDS = {
    "choice": "one of several", "choices": "any number of several", "yes_no": "yes or no", "number": "a number",
    "text": "in words", "quotation": "words of the record",
}  # fmt: skip
"""Type of a variable -> how it is answered."""


def _prompts(manifest: Mapping[str, Any]) -> list[PromptFact]:
    steps = dict[tuple[str, str, str], list[str]]()
    for step, content in sorted(as_mapping(manifest.get("prompts")).items()):
        known = as_mapping(content)
        key = (one_line(known.get("template")), one_line(known.get("sha256")), one_line(known.get("text")))
        steps.setdefault(key, []).append(step)
    seen = {text.strip() for _, _, text in steps}
    for name, content in sorted(as_mapping(manifest.get("texts")).items()):
        text = one_line(as_mapping(content).get("text"))
        if name.startswith("prompts/") and text.strip() not in seen:
            steps.setdefault((name, one_line(as_mapping(content).get("sha256")), text), [])
    return [PromptFact(tuple(names), *key) for key, names in steps.items()]


def _models(manifest: Mapping[str, Any], report_data: ReportData, raters: Sequence[str]) -> list[ModelFact]:
    configs, served = as_mapping(manifest.get("models")), as_mapping(manifest.get("served_by"))
    used = {name for name, one in report_data.model_usage.items() if name and one.calls}
    names = sorted(set(configs) | used) or list(raters)
    return [
        _model(
            name,
            as_mapping(configs.get(name)),
            as_list(served.get(name)),
            report_data.model_usage.get(name, ModelUsage()),
        )
        for name in names
    ]


def _model(name: str, config: Mapping[str, Any], served: Sequence[Any], usage: ModelUsage) -> ModelFact:
    provider_and_model = [one_line(config.get("provider") or config.get("kind"))]
    provider_and_model += [
        one_line(config.get("model_id"))
        or PurePath(one_line(config.get("path"))).name
        or one_line(config.get("version"))
    ]
    settings = {**as_mapping(config.get("settings")), "thinking": config.get("thinking")}
    cost = f"US$ {usage.cost.normalize():f}" if usage.calls else "–"
    return ModelFact(
        name=name, provider_and_model=" / ".join(part for part in provider_and_model if part),
        settings=_settings(settings, usage),
        versions=tuple(sorted({*map(one_line, served), *usage.versions})),
        dates=format_date_range(format_date(usage.first), format_date(usage.last)),
        calls=usage.calls, cost="unknown" if usage.unknown_price_calls else cost,
        demonstration=usage.demonstration or config.get("kind") == "embedded",
    )  # fmt: skip


def _settings(configured: Mapping[str, Any], usage: ModelUsage) -> str:
    """The settings that went over the wire; those of the configuration where replies do not say what was sent."""
    given = {name: one_line(value) for name, value in configured.items() if value is not None}
    if not usage.sent:
        named = _named(given)
        return f"{named}, as configured" if named and usage.sent_unrecorded else named
    sent = _named({name: " or ".join(sorted(values)) for name, values in usage.sent.items()})
    left_out = _named({name: value for name, value in given.items() if name not in usage.sent})
    some = f"; not recorded for {pluralised(usage.sent_unrecorded, 'earlier reply', 'earlier replies')}"
    return sent + (f"; not sent: {left_out}" if left_out else "") + (some if usage.sent_unrecorded else "")


def _named(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in settings.items())


def _steps(data: RunData, report_data: ReportData) -> list[StepFact]:
    declared = steps_of(data.spec)
    ordered = [
        *(name for name in declared if name in report_data.states),
        *sorted(set(report_data.states) - set(declared)),
    ]
    return [
        StepFact(
            name, declared[name].agent if name in declared else "",
            declared[name].description if name in declared else "", report_data.states[name],
        )
        for name in ordered
    ]  # fmt: skip


def _states(report_data: ReportData) -> tuple[str, ...]:
    present = {state for counts in report_data.states.values() for state in counts}
    return tuple(state for state in STATUS_LABELS if state in present)


def _missing_outputs(report_data: ReportData) -> list[MissingOutput]:
    order = list(STATUS_LABELS)
    return sorted(
        report_data.missing_outputs.values(),
        key=lambda one: (order.index(one.status), -one.count, one.step, one.reason),
    )


def _shares(report_data: ReportData) -> list[ShareFact]:
    verdict_counts = dict[tuple[str, str], Counter[str | None]]()
    for row in report_data.rows:
        verdict_counts.setdefault((row.criteria, row.model), Counter())[row.verdict] += 1
    return [
        ShareFact(
            criteria, model, tuple(sorted((name, n) for name, n in counts.items() if name is not None)),
            sum(n for name, n in counts.items() if name is not None), counts[None],
        )
        for (criteria, model), counts in sorted(verdict_counts.items())
    ]  # fmt: skip


def _usage_and_cost(manifest: Mapping[str, Any]) -> LabelledValues:
    calls, usage = as_mapping(manifest.get("calls")), as_mapping(manifest.get("usage"))
    pairs = [
        ("Calls paid for in this run", f"{as_int(calls.get('paid')):,}"),
        ("Replies read again instead of paid for", f"{as_int(calls.get('kept')):,}"),
        ("Tokens sent", f"{as_int(usage.get('input_tokens')):,}"),
        ("of which from the provider’s prompt cache", f"{as_int(usage.get('cached_input_tokens')):,}"),
        ("Tokens received", f"{as_int(usage.get('output_tokens')):,}"),
        ("Cost", manifest_cost(manifest)),
    ]
    pairs += _repeated_calls(as_mapping(manifest.get("spend")))
    pairs += [("Budget", f"US$ {manifest['budget']}")] if manifest.get("budget") is not None else []
    return [*pairs, ("Rows of the data that could not be read", one_line(as_int(manifest.get("rejected_rows"))))]


def _repeated_calls(spend: Mapping[str, Any]) -> LabelledValues:
    pairs = [("Price of the replies read again", _kept_cost(spend))] if spend.get("kept_usd") else []
    if as_int(spend.get("repeated_calls")):
        text = f"{spend['repeated_calls']:,}, US$ {spend.get('repeated_usd')}"
        pairs.append(("Calls asked again, since their replies were lost or could not be used", text))
    return pairs


def _kept_cost(spend: Mapping[str, Any]) -> str:
    unknown = as_int(spend.get("kept_unknown_calls"))
    return f"US$ {spend['kept_usd']}" + f", and {pluralised(unknown, 'call')} without a known price" * bool(unknown)


def manifest_cost(manifest: Mapping[str, Any]) -> str:
    """The cost of the run, or that it is unknown."""
    unknown = as_int(manifest.get("calls_of_unknown_price"))
    if unknown:
        return f"unknown: {pluralised(unknown, 'call')} without a known price"
    return "unknown" if manifest.get("cost_usd") is None else f"US$ {manifest['cost_usd']}"


def _sources(manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    known = [as_mapping(each) for each in as_list(manifest.get("sources"))]
    return [
        (PurePath(one_line(one.get("path"))).name, format_bytes(one.get("bytes")), one_line(one.get("sha256")))
        for one in known
    ]


def _data(manifest: Mapping[str, Any], report_data: ReportData) -> LabelledValues:
    records = as_mapping(manifest.get("records"))
    pairs = [("Records", f"{as_int(records.get('count')) or len(report_data.record_ids):,}")]
    pairs += (
        [("Sample", f"{manifest['sample']} drawn with seed {one_line(manifest.get('seed'))}")]
        if manifest.get("sample")
        else []
    )
    return [*pairs, ("Digest of all records", one_line(records.get("fingerprint")))]


def _software(manifest: Mapping[str, Any]) -> LabelledValues:
    pairs = [
        (name, one_line(version)) for name, version in sorted(as_mapping(manifest.get("packages")).items()) if version
    ]
    pairs += [("Python", one_line(manifest["python"]))] if manifest.get("python") else []
    return pairs + ([("Git revision", one_line(manifest["git_revision"]))] if manifest.get("git_revision") else [])
