"""Writes the summary of a study: its findings in a few sentences without technical terms."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flows.measures.few_records import few_records_text
from flows.measures.results import Comparison, ComparisonKind, MeasureResults
from flows.report.facts import Facts, ShareFact
from flows.report.methods import verdict_count_text
from flows.report.words import join_list, percent, pluralised

_MAX_LISTED = 6
"""Most models whose findings are listed one by one."""
_MAX_NAMED = 3
_DEMONSTRATION = ", demonstration quality: no finding"
_MAX_VERDICTS = 6


@dataclass(frozen=True)
class Summary:
    """What a study found, for readers who do not know its terms."""

    asked: str
    """Who judged what, in a sentence or two."""
    findings: tuple[tuple[str, str], ...]
    """Each model with what it said, and how far it says what people said; empty where there are too many to list."""
    rest: str
    """What else was found."""


def summarise(facts: Facts, measured: MeasureResults | None) -> Summary:
    """The findings of a study: one for each model, never pooled, since a mean of 100% and 0% is nobody's finding."""
    raters = sorted({share.model for share in facts.shares})
    if not raters:
        return Summary("No verdicts were given in this run.", (), "")
    listed = _findings(facts, measured) if len(raters) <= _MAX_LISTED and _criteria_count(facts) <= _MAX_NAMED else ()
    rest = [
        *(() if listed else _verdict_shares(facts)), *_agreement(measured, is_listed=bool(listed)),
        *_quotations(facts), few_records_text(facts.records),
    ]  # fmt: skip
    return Summary(" ".join(_asked(facts, raters)), listed, " ".join(filter(None, rest)))


def _asked(facts: Facts, raters: Sequence[str]) -> Iterator[str]:
    repeats = f", {facts.repeats} times each" if facts.repeats > 1 else ""
    noun = "judge" if any("," in rater for rater in raters) else "language model"
    yield (
        f"{pluralised(len(raters), noun)} ({join_list(raters)}) judged "
        f"{pluralised(facts.records, 'record')} by {_criteria(facts)}{repeats}."
    )
    yield f"{verdict_count_text(facts)}."


def _quotations(facts: Facts) -> Iterator[str]:
    if facts.quotations:
        yield (
            f"Of {pluralised(facts.quotations, 'quotation')} that the models gave as evidence, "
            f"{facts.quotations - facts.quotations_not_found:,} stand in the records word for word."
        )


def _criteria_count(facts: Facts) -> int:
    return len({share.criteria for share in facts.shares})


def _findings(facts: Facts, measured: MeasureResults | None) -> tuple[tuple[str, str], ...]:
    has_one_criterion = _criteria_count(facts) == 1
    found = dict[str, list[str]]()
    for share in facts.shares:
        by = "" if has_one_criterion else f"By “{facts.title(share.criteria)}”: "
        said = _counts(share) if share.with_verdict else "no verdict"
        people = _with_people(share, measured)
        found.setdefault(share.model, []).append(f"{by}{said}{f'; {people}' if people else ''}.")
    shown = {model.name for model in facts.models if model.demonstration}
    return tuple((f"{model}{_DEMONSTRATION * (model in shown)}", " ".join(texts)) for model, texts in found.items())


def _with_people(share: ShareFact, measured: MeasureResults | None) -> str:
    for one in measured.comparisons if measured else ():
        if one.kind == "truth" and not one.by and (one.criteria, one.raters[1]) == (share.criteria, share.model):
            value = next((e.value for e in one.estimates if e.measure == "accuracy"), None)
            if value is not None:
                return f"as people said on {100 * value:.0f}% of {pluralised(one.records, 'record')}"
    return ""


def _criteria(facts: Facts) -> str:
    names = sorted({share.criteria for share in facts.shares})
    titles = [f"“{facts.title(name)}”" for name in names if name]
    return f"{pluralised(len(titles), 'criterion', 'criteria')} ({join_list(titles)})" if titles else "one instruction"


def _verdict_shares(facts: Facts) -> Iterator[str]:
    """How far apart the models are by each criterion, where they are too many to be named one by one."""
    names = sorted({share.criteria for share in facts.shares})
    if len(names) > _MAX_NAMED:
        yield "What each model said by each criterion is in the table of verdicts."
        return
    for name in names:
        shares = [share for share in facts.shares if share.criteria == name and share.with_verdict]
        if shares:
            text = _ranges(shares)
            yield f"By “{facts.title(name)}”, {text}." if name else f"{text[:1].upper()}{text[1:]}."


def _counts(share: ShareFact) -> str:
    ordered = sorted(share.verdicts, key=lambda pair: (-pair[1], pair[0]))
    named = [
        f"{name} in {percent(number, share.with_verdict)} ({number:,})" for name, number in ordered[:_MAX_VERDICTS]
    ]
    rest = len(ordered) - _MAX_VERDICTS
    return join_list([*named, *([pluralised(rest, "other verdict")] if rest > 0 else [])])


def _ranges(shares: Sequence[ShareFact]) -> str:
    totals = sum((Counter(dict(share.verdicts)) for share in shares), Counter[str]())
    named = [
        f"{name} in {_range(shares, name)}" for name, _ in sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    rest = len(named) - _MAX_VERDICTS
    listed = join_list([*named[:_MAX_VERDICTS], *([pluralised(rest, "other verdict")] if rest > 0 else [])])
    return f"the {len(shares)} models said {listed}, each of its own verdicts"


def _range(shares: Sequence[ShareFact], verdict: str) -> str:
    counts = [(dict(share.verdicts).get(verdict, 0), share.with_verdict) for share in shares]
    ordered = sorted(counts, key=lambda count: count[0] / count[1])
    low, high = percent(*ordered[0]), percent(*ordered[-1])
    return low if low == high else f"{low} to {high}"


def _agreement(measured: MeasureResults | None, *, is_listed: bool) -> Iterator[str]:
    overall = [one for one in measured.comparisons if not one.by] if measured else []
    with_people = [one for one in overall if one.kind == "truth"]
    if not with_people:
        yield "Nothing is compared with what people said, so nothing is said of accuracy."
    elif not (share := _percent_range(with_people, "accuracy")):
        yield f"Agreement with people is undefined: {_undefined_reason(with_people, 'accuracy')}."
    elif not is_listed:
        yield f"The models said what people said on {share} of the records that people had judged."
    yield from _agreement_sentence(overall, "models", "Two models gave the same verdict on {}.")
    yield from _agreement_sentence(overall, "repeats", "Asked again, a model gave the same verdict on {}.")


def _agreement_sentence(overall: list[Comparison], kind: ComparisonKind, sentence: str) -> Iterator[str]:
    if share := _percent_range([one for one in overall if one.kind == kind], "percent_agreement"):
        yield sentence.format(f"{share} of the records that both judged" if kind == "models" else share)


def _percent_range(found: list[Comparison], measure: str) -> str:
    values = [e.value for one in found for e in one.estimates if e.measure == measure and e.value is not None]
    if not values:
        return ""
    low, high = (f"{100 * value:.0f}" for value in (min(values), max(values)))
    return f"{low}%" if low == high else f"{low}% to {high}%"


def _undefined_reason(found: list[Comparison], measure: str) -> str:
    reasons = [e.undefined for one in found for e in one.estimates if e.measure == measure and e.undefined]
    return reasons[0] if reasons else "it was not measured"
