"""Methods: the summary in plain words, and the paragraph that a scholar can paste into a paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from contract.flow import Measures
from flows.accounting.ledger import STATUSES_WITHOUT_OUTPUT
from flows.measures.shapes import NOBODY_SAID, Comparison, Kind, Measured
from flows.report.estimates import label, told
from flows.report.facts import CriterionFact, Facts, ModelFact, ShareFact
from flows.report.words import MEASURES, STATES, counted, listed, percent

_MOST_NAMED = 3
_MOST_VERDICTS = 6


def summary(facts: Facts, measured: Measured | None) -> str:
    """What was found, in a few sentences without terms of art."""
    return " ".join(_summary(facts, measured))


def _summary(facts: Facts, measured: Measured | None) -> Iterator[str]:
    raters = sorted({share.model for share in facts.shares})
    if not raters:
        yield "No verdicts were given in this run."
        return
    repeats = f", {facts.repeats} times each" if facts.repeats > 1 else ""
    yield (
        f"{counted(len(raters), 'language model')} ({listed(raters)}) judged {counted(facts.records, 'record')} "
        f"by {_criteria(facts)}{repeats}."
    )
    yield f"{_given(facts)}."
    yield from _shares(facts)
    yield from _agreement(measured)
    if facts.quotations:
        yield (
            f"Of {counted(facts.quotations, 'quotation')} that the models gave as evidence, "
            f"{facts.quotations - facts.invented:,} stand in the records word for word."
        )


def _given(facts: Facts) -> str:
    if facts.given == facts.judgements:
        return f"All {counted(facts.judgements, 'judgement')} came to a verdict"
    return f"Of {counted(facts.judgements, 'judgement')}, {facts.given:,} came to a verdict"


def _criteria(facts: Facts) -> str:
    names = sorted({share.criteria for share in facts.shares})
    titles = [f"“{facts.title(name)}”" for name in names if name]
    return f"{counted(len(titles), 'criterion', 'criteria')} ({listed(titles)})" if titles else "one instruction"


def _shares(facts: Facts) -> Iterator[str]:
    names = sorted({share.criteria for share in facts.shares})
    if len(names) > _MOST_NAMED:
        yield f"Overall: {_counts(facts.shares)}."
        return
    for name in names:
        text = _counts([share for share in facts.shares if share.criteria == name])
        yield f"By “{facts.title(name)}”: {text}." if name else f"{text[:1].upper()}{text[1:]}."


def _counts(shares: Sequence[ShareFact]) -> str:
    counts = Counter[str]()
    for share in shares:
        counts.update(dict(share.verdicts))
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{percent(number, counts.total())} {name} ({number:,})" for name, number in ordered[:_MOST_VERDICTS]]
    rest = len(ordered) - _MOST_VERDICTS
    return listed([*named, *([counted(rest, "other")] if rest > 0 else [])])


def _agreement(measured: Measured | None) -> Iterator[str]:
    overall = [one for one in measured.comparisons if not one.by] if measured else []
    with_people = [one for one in overall if one.kind == "truth"]
    if not with_people:
        yield "What people said is not known, so nothing is said of accuracy."
    elif share := _range(with_people, "accuracy"):
        yield f"The models said what people said on {share} of the records that people had judged."
    else:
        yield f"Agreement with people is undefined: {_why(with_people, 'accuracy')}."
    yield from _between(overall, "models", "Two models gave the same verdict on {}.")
    yield from _between(overall, "repeats", "Asked again, a model gave the same verdict on {}.")


def _between(whole: list[Comparison], kind: Kind, sentence: str) -> Iterator[str]:
    if share := _range([one for one in whole if one.kind == kind], "percent_agreement"):
        yield sentence.format(f"{share} of the records that both judged" if kind == "models" else share)


def _range(found: list[Comparison], measure: str) -> str:
    values = [e.value for one in found for e in one.estimates if e.measure == measure and e.value is not None]
    if not values:
        return ""
    low, high = (f"{100 * value:.0f}" for value in (min(values), max(values)))
    return f"{low}%" if low == high else f"{low}% to {high}%"


def _why(found: list[Comparison], measure: str) -> str:
    reasons = [e.undefined for one in found for e in one.estimates if e.measure == measure and e.undefined]
    return reasons[0] if reasons else "it was not measured"


def _holes(facts: Facts) -> str:
    named = [f"{count:,} {STATES[state]}" for state, count in facts.holes.items() if state != "completed"]
    named += [f"{facts.holes['completed']:,} without a verdict in the answer"] if "completed" in facts.holes else []
    return f"{counted(sum(facts.holes.values()), 'judgement')} came to none ({listed(named)})"


def holes_of(facts: Facts) -> int:
    """Judgements that should have come to a verdict and did not; a refusal is a finding, not a hole."""
    return sum(count for state, count in facts.holes.items() if state in STATUSES_WITHOUT_OUTPUT)


def warning_of_holes(facts: Facts) -> str:
    """What is missing, for the head of the report; empty when nothing is."""
    if not facts.holes:
        return ""
    incomplete = (
        " The study is incomplete: the same command again asks only for what is missing." if holes_of(facts) else ""
    )
    return f"{_holes(facts)}.{incomplete} They are left out of every measure."


def methods(facts: Facts, measures: Measures | None, measured: Measured | None) -> str:
    """The methods paragraph."""
    return " ".join(part for part in _methods(facts, measures, measured) if part)


def _methods(facts: Facts, measures: Measures | None, measured: Measured | None) -> Iterator[str]:
    used = {share.model.partition(",")[0] for share in facts.shares}
    models = [model for model in facts.models if model.name in used] or list(facts.models)
    yield f"{_records(facts)} judged by {counted(len(models), 'language model')}: {'; '.join(map(_model, models))}."
    yield from _standards(facts)
    yield _asking(facts)
    yield _given(facts) + (f"; {_holes(facts)}, and these are left out of the measures." if facts.holes else ".")
    yield from _measures(facts, measures, measured)
    yield from _software(facts)


def _records(facts: Facts) -> str:
    data = dict(facts.data)
    sampled = f", a sample of {data['Sample']}," if "Sample" in data else ""
    named = [f"{name} (SHA-256 {digest[:12]}…)" for name, _, digest in facts.sources]
    more = f" and {counted(len(named) - _MOST_NAMED, 'further file')}" if len(named) > _MOST_NAMED else ""
    source = (
        f" from {listed(named[:_MOST_NAMED]) if not more else ', '.join(named[:_MOST_NAMED])}{more}" if named else ""
    )
    return f"{counted(facts.records, 'record')}{source}{sampled} {'was' if facts.records == 1 else 'were'}"


def _model(model: ModelFact) -> str:
    answered = f"answered as {listed(list(model.versions))}" if model.versions else ""
    dated = f"asked {model.dates}" if model.dates else ""
    quality = "demonstration quality" if model.demonstration else ""
    parts = [part for part in (model.made, answered, dated, model.settings, quality) if part]
    return f"{model.name} ({'; '.join(parts)})"


def _standards(facts: Facts) -> Iterator[str]:
    if facts.criteria:
        named = "; ".join(_criterion(criterion) for criterion in facts.criteria)
        yield f"Each record was judged by {counted(len(facts.criteria), 'criterion', 'criteria')}: {named}."


def _criterion(criterion: CriterionFact) -> str:
    cited = f" ({criterion.cited})" if criterion.cited else ""
    verdicts = f", verdicts {listed(list(criterion.verdicts), 'or')}" if criterion.verdicts else ""
    return f"“{criterion.title}”{cited}, SHA-256 {criterion.sha256[:12]}…{verdicts}"


def _asking(facts: Facts) -> str:
    names = [f"‘{prompt.template}’ (SHA-256 {prompt.sha256[:12]}…)" for prompt in facts.prompts if prompt.steps]
    prompts = (
        f" The prompts were {listed(names)}." if len(names) > 1 else f" The prompt was {names[0]}." if names else ""
    )
    often = "once" if facts.repeats == 1 else f"{facts.repeats} times"
    rounds = f", in up to {facts.rounds} rounds of which the last counts" if facts.rounds > 1 else ""
    return f"Every model was asked {often} for each record and criterion{rounds}.{prompts}{_quotations(facts)}"


def _quotations(facts: Facts) -> str:
    if not facts.quotations:
        return ""
    return (
        f" The models gave {counted(facts.quotations, 'quotation')} as evidence; each was compared with its record "
        f"letter by letter after Unicode normalisation, and {facts.invented:,} of them "
        f"{'does' if facts.invented == 1 else 'do'} not stand there."
    )


def _nobody_said(measured: Measured) -> bool:
    estimates = [e for one in measured.comparisons if one.kind == "truth" and not one.by for e in one.estimates]
    return bool(estimates) and all(e.undefined == NOBODY_SAID for e in estimates)


def _measures(facts: Facts, measures: Measures | None, measured: Measured | None) -> Iterator[str]:
    if measures is None or measured is None:
        return
    if measures.truth and _nobody_said(measured):
        yield f"No record came with an answer of people (field ‘{measures.truth}’), so none is compared with one."
    elif measures.truth:
        labels = [f"‘{value}’ as {verdict}" for value, verdict in sorted(measures.labels.items())]
        read = f", reading {listed(labels)}" if labels else ""
        yield f"People’s answers were taken from the field ‘{measures.truth}’ of the data{read}."
    yield f"Verdicts were compared as {measures.level} data" + (
        f", the positive verdict being {measures.positive}." if measures.positive else "."
    )
    best = [one for one in measured.comparisons if one.kind == "all_models" and not one.by]
    named = [
        f"{MEASURES[e.measure]} over {label(one)}{_by(one.criteria, facts)}: {told(e)}"
        for one in best
        for e in one.estimates
        if e.measure == "krippendorff_alpha"
    ]
    yield measured.method if measured.method.endswith(".") else f"{measured.method}."
    if named:
        yield f"{'; '.join(named)}."


def _by(criteria: str, facts: Facts) -> str:
    return f" by “{facts.title(criteria)}”" if criteria else ""


def _software(facts: Facts) -> Iterator[str]:
    versions = dict(facts.made_with)
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
