"""Writes the methods paragraph that a scholar can paste into a paper, and the warning on missing verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contract.measures import Measures, TruthSource
from flows.accounting.ledger import STATUSES_WITHOUT_OUTPUT
from flows.measures.results import NO_GROUND_TRUTH, MeasureResults
from flows.report.estimates import format_estimate
from flows.report.facts import CriterionFact, Facts, ModelFact
from flows.report.words import MEASURE_LABELS, STATUS_LABELS, join_list, pluralised

_MAX_NAMED = 3


def verdict_count_text(facts: Facts) -> str:
    """How many judgements came to a verdict, as the beginning of a sentence."""
    if facts.judgements_with_verdict == facts.judgements:
        return f"All {pluralised(facts.judgements, 'judgement')} came to a verdict"
    return f"Of {pluralised(facts.judgements, 'judgement')}, {facts.judgements_with_verdict:,} came to a verdict"


def _missing_verdicts_text(facts: Facts) -> str:
    named = [
        f"{count:,} {STATUS_LABELS[state]}"
        for state, count in facts.judgements_without_verdict.items()
        if state != "completed"
    ]
    named += (
        [f"{facts.judgements_without_verdict['completed']:,} without a verdict in the answer"]
        if "completed" in facts.judgements_without_verdict
        else []
    )
    return (
        f"{pluralised(sum(facts.judgements_without_verdict.values()), 'judgement')} came to none ({join_list(named)})"
    )


def count_missing_verdicts(facts: Facts) -> int:
    """The number of judgements without a verdict that should have one; a refusal is a finding and does not count."""
    return sum(count for state, count in facts.judgements_without_verdict.items() if state in STATUSES_WITHOUT_OUTPUT)


def missing_verdicts_warning(facts: Facts) -> str:
    """The warning on missing verdicts for the head of the report; empty when none is missing."""
    if not facts.judgements_without_verdict:
        return ""
    incomplete = (
        " The study is incomplete: the same command again asks only for what is missing."
        if count_missing_verdicts(facts)
        else ""
    )
    return f"{_missing_verdicts_text(facts)}.{incomplete} They are left out of every measure."


def methods_paragraph(facts: Facts, measures: Measures | None, measured: MeasureResults | None) -> str:
    """The methods paragraph."""
    return " ".join(part for part in _methods_sentences(facts, measures, measured) if part)


def _methods_sentences(facts: Facts, measures: Measures | None, measured: MeasureResults | None) -> Iterator[str]:
    used = {share.model.partition(",")[0] for share in facts.shares}
    models = [model for model in facts.models if model.name in used] or list(facts.models)
    yield f"{_records(facts)} judged by {pluralised(len(models), 'language model')}: {'; '.join(map(_model, models))}."
    yield from _criteria_sentence(facts)
    yield _prompting_sentence(facts)
    yield verdict_count_text(facts) + (
        f"; {_missing_verdicts_text(facts)}, and these are left out of the measures."
        if facts.judgements_without_verdict
        else "."
    )
    yield from _measures(facts, measures, measured)
    yield from _software(facts)


def _records(facts: Facts) -> str:
    data = dict(facts.data)
    sampled = f", a sample of {data['Sample']}," if "Sample" in data else ""
    named = [f"{name} (SHA-256 {digest[:12]}…)" for name, _, digest in facts.sources]
    more = f" and {pluralised(len(named) - _MAX_NAMED, 'further file')}" if len(named) > _MAX_NAMED else ""
    source = (
        f" from {join_list(named[:_MAX_NAMED]) if not more else ', '.join(named[:_MAX_NAMED])}{more}" if named else ""
    )
    return f"{pluralised(facts.records, 'record')}{source}{sampled} {'was' if facts.records == 1 else 'were'}"


def _model(model: ModelFact) -> str:
    answered = f"answered as {join_list(list(model.versions))}" if model.versions else ""
    dated = f"asked {model.dates}" if model.dates else ""
    quality = "demonstration quality" if model.demonstration else ""
    parts = [part for part in (model.provider_and_model, answered, dated, model.settings, quality) if part]
    return f"{model.name} ({'; '.join(parts)})"


def _criteria_sentence(facts: Facts) -> Iterator[str]:
    if facts.criteria:
        named = "; ".join(_criterion(criterion) for criterion in facts.criteria)
        yield f"Each record was judged by {pluralised(len(facts.criteria), 'criterion', 'criteria')}: {named}."


def _criterion(criterion: CriterionFact) -> str:
    cited = f" ({criterion.citation})" if criterion.citation else ""
    verdicts = f", verdicts {join_list(list(criterion.verdicts), 'or')}" if criterion.verdicts else ""
    return f"“{criterion.title}”{cited}, SHA-256 {criterion.sha256[:12]}…{verdicts}"


def _prompting_sentence(facts: Facts) -> str:
    names = [f"‘{prompt.template}’ (SHA-256 {prompt.sha256[:12]}…)" for prompt in facts.prompts if prompt.steps]
    prompts = (
        f" The prompts were {join_list(names)}." if len(names) > 1 else f" The prompt was {names[0]}." if names else ""
    )
    often = "once" if facts.repeats == 1 else f"{facts.repeats} times"
    rounds = f", in up to {facts.rounds} rounds of which the last counts" if facts.rounds > 1 else ""
    return f"Every model was asked {often} for each record and criterion{rounds}.{prompts}{_quotations(facts)}"


def _quotations(facts: Facts) -> str:
    if not facts.quotations:
        return ""
    return (
        f" The models gave {pluralised(facts.quotations, 'quotation')} as evidence; each was compared with its record "
        f"letter by letter after Unicode normalisation, and {facts.quotations_not_found:,} of them "
        f"{'does' if facts.quotations_not_found == 1 else 'do'} not stand there."
    )


def _lacks_ground_truth(measured: MeasureResults) -> bool:
    estimates = [e for one in measured.comparisons if one.kind == "truth" and not one.by for e in one.estimates]
    return bool(estimates) and all(e.undefined == NO_GROUND_TRUTH for e in estimates)


def _measures(facts: Facts, measures: Measures | None, measured: MeasureResults | None) -> Iterator[str]:
    if measures is None or measured is None:
        return
    with_people = [one for one in measured.comparisons if one.kind == "truth"]
    if measures.truth and not with_people:
        yield "It is not known by which criterion people judged, so nothing is compared with their answers."
    elif measures.truth and _lacks_ground_truth(measured):
        fields = join_list([f"‘{name}’" for name in _truth_fields(measures)])
        yield f"No record came with an answer of people (field {fields}), so none is compared with one."
    elif measures.truth:
        # A gold set holds verdicts, which are not read by labels.
        named = {} if measures.gold is not None else measures.labels
        labels = [f"‘{value}’ as {verdict}" for value, verdict in sorted(named.items())]
        read = f", reading {join_list(labels)}" if labels else ""
        yield f"People’s answers were taken from {_truth_text(measures, facts)} of the data{read}."
        yield _corrections_sentence(facts)
        yield _open_sentence(facts)
        yield facts.gold_inclusion
    yield f"Verdicts were compared as {measures.level} data" + (
        f", the positive verdict being {measures.positive}." if measures.positive and with_people else "."
    )
    named = [
        f"{MEASURE_LABELS[e.measure]} over {pluralised(len(one.raters), 'model')}{_by_criterion(one.criteria, facts)}: "
        f"{format_estimate(e)}"
        for one in measured.comparisons
        if one.kind == "all_models" and not one.by
        for e in one.estimates
        if e.measure == "krippendorff_alpha"
    ]
    yield measured.method if measured.method.endswith(".") else f"{measured.method}."
    if named:
        yield f"{'; '.join(named)}."


def _truth_fields(measures: Measures) -> list[str]:
    truth = measures.truth
    named = truth if isinstance(truth, Mapping) else {"": truth}
    return list(dict.fromkeys(field for each in named.values() if each for field in _fields(each)))


def _fields(source: str | tuple[str, ...] | TruthSource) -> tuple[str, ...]:
    return source.field if isinstance(source, TruthSource) else (source,) if isinstance(source, str) else source


def _truth_text(measures: Measures, facts: Facts) -> str:
    if measures.gold is not None:
        what = "of corrections alone" if _is_corrections_alone(facts) else "that people decided on"
        return f"a gold set {what}{facts.gold and f' ({facts.gold})'}, in place of answers"
    if isinstance(measures.truth, Mapping):
        named = [f"{_field_text(source)}{_by_criterion(name, facts)}" for name, source in measures.truth.items()]
        return f"the {'field' if len(_truth_fields(measures)) == 1 else 'fields'} {join_list(named)}"
    fields = _truth_fields(measures)
    return f"the {'field' if len(fields) == 1 else 'fields'} {join_list([f'‘{name}’' for name in fields])}"


def _is_corrections_alone(facts: Facts) -> bool:
    return 0 < facts.gold_corrections == facts.gold_decisions


def _corrections_sentence(facts: Facts) -> str:
    if not facts.gold_corrections:
        return ""
    chosen = "chosen by those who looked at the models’ verdicts, mostly where one seemed wrong"
    if _is_corrections_alone(facts):
        return f"They were {chosen}, so agreement with them says nothing of the whole."
    are = "is a correction" if facts.gold_corrections == 1 else "are corrections"
    return f"Of its {pluralised(facts.gold_decisions, 'decision')}, {facts.gold_corrections:,} {are}, {chosen}."


def _open_sentence(facts: Facts) -> str:
    if not facts.gold_open:
        return ""
    return (
        f"On {facts.gold_open:,} more its coders differ and nobody has decided; without these, agreement is that on "
        "what was easier to agree on."
    )


def _field_text(source: str | tuple[str, ...] | TruthSource) -> str:
    fields = _fields(source)
    most = ", of which the answer of most counts," if len(fields) > 1 else ""
    return join_list([f"‘{name}’" for name in fields]) + most


def _by_criterion(criteria: str, facts: Facts) -> str:
    return f" by “{facts.title(criteria)}”" if criteria else ""


def _software(facts: Facts) -> Iterator[str]:
    versions = dict(facts.software)
    revision = versions.pop("Git revision", "")
    ours = f"Buttermilk {versions.pop('buttermilk', '')}".strip() + (f" (revision {revision[:10]})" if revision else "")
    others = ", ".join(f"{name} {version}" for name, version in versions.items())
    yield f"The study ran {_when(facts)}with {ours}{f', {others}' if others else ''}."
    if digest := dict(facts.data).get("Digest of all records"):
        yield f"The SHA-256 digest of all records is {digest}."


def _when(facts: Facts) -> str:
    return (
        f"on {facts.dates} "
        if facts.dates and " to " not in facts.dates
        else f"from {facts.dates} "
        if facts.dates
        else ""
    )
