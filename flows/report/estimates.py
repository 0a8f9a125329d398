"""Arranges the measures of a study in tables, one for each kind of comparison."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flows.measures.panel import GROUND_TRUTH
from flows.measures.results import Comparison, ComparisonKind, Estimate, MeasureResults
from flows.report.words import MEASURE_LABELS, format_decimal, join_list, pluralised
from flows.tables.identity import natural_key

TABLE_CAPTIONS: Mapping[ComparisonKind, str] = {
    "truth": "Each model with what people said",
    "models": "Each pair of models",
    "all_models": "All models at once",
    "repeats": "Each model with itself, asked again",
    "reasons": "The experts’ reasons, in each model’s answers",
    "people": "Each pair of people",
    "all_people": "All people at once",
    "people_truth": "Each person with what was decided",
    "person": "Each model with each person",
    "majority": "Each model with what most people said",
    "dawid_skene": "Each person, as Dawid and Skene’s model sees them: a help, and no gold",
}
PEOPLE_KINDS: tuple[ComparisonKind, ...] = ("people", "all_people", "people_truth", "person", "majority", "dawid_skene")
"""Comparisons that the section on people shows."""
MEASURE_EXPLANATIONS: Mapping[str, str] = {
    "dawid_skene_accuracy": "how often a person would give the true verdict, if people erred apart from each other, "
    "each in their own way (Dawid & Skene 1979). Estimated from people’s answers alone: a look at them, no gold.",
    "reasons_found": "share of the reasons that experts gave which a scorer found in the model’s answers, "
    "on the criteria that people judged by.",
    "accuracy": "share of records on which the model says what people said.",
    "precision": "of the records that the model gave the positive verdict, the share that people gave it too.",
    "recall": "of the records that people gave the positive verdict, the share that the model gave it too.",
    "f1": "harmonic mean of precision and recall.",
    "percent_agreement": "share of records with the same verdict; chance alone brings some of it.",
    "cohen_kappa": "agreement of two raters beyond chance: 1 is perfect, 0 is what chance would give.",
    "weighted_kappa": "the like, where a verdict further off in the order counts as a larger difference.",
    "fleiss_kappa": "the like for several raters.",
    "krippendorff_alpha_masi": "the like for answers of several options: sets that overlap agree in part.",
    "krippendorff_alpha": "agreement beyond chance for any number of raters, gaps allowed: 1 is perfect, 0 is chance.",
    "gwet_ac1": "agreement beyond chance that does not collapse when one verdict is rare.",
    "gwet_ac2": "the like, where a verdict further off in the order counts as a larger difference.",
    "brennan_prediger": "agreement beyond chance, where chance would give each verdict equally often.",
}


@dataclass(frozen=True)
class EstimateRow:
    """One comparison as a row of a table."""

    comparison: Comparison
    label: str
    cells: tuple[Estimate | None, ...]

    @property
    def undefined(self) -> str:
        """The reason why none of several measures has a value, if it is the same for all; else empty."""
        reasons = {one.undefined if one and one.value is None else None for one in self.cells}
        return (reasons.pop() or "") if len(reasons) == 1 and len(self.cells) > 1 else ""


@dataclass(frozen=True)
class EstimateTable:
    """Comparisons of one kind and one split of the records."""

    kind: ComparisonKind
    by: str
    caption: str
    measures: tuple[str, ...]
    rows: tuple[EstimateRow, ...]

    @property
    def measure_names(self) -> list[str]:
        """The measures in words."""
        return [MEASURE_LABELS.get(name, name) for name in self.measures]


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts of a model's verdicts, for each verdict of people."""

    label: str
    criteria: str
    verdicts: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]


def confusion_matrices(table: EstimateTable, verdicts: Sequence[str]) -> list[ConfusionMatrix]:
    """The confusion matrices of a table, in the order of `verdicts`."""
    found = list[ConfusionMatrix]()
    for row in table.rows:
        counts = row.comparison.confusion
        if counts and not table.by:
            columns = _ordered({verdict for of_truth in counts.values() for verdict in of_truth}, verdicts)
            rows = tuple(
                (truth, tuple(counts[truth].get(verdict, 0) for verdict in columns))
                for truth in _ordered(counts, verdicts)
            )
            found.append(ConfusionMatrix(row.label, row.comparison.criteria, columns, rows))
    return found


@dataclass(frozen=True)
class RateMatrix:
    """How often a person gives each label where another is probably true, as a model of errors estimates it."""

    label: str
    criteria: str
    verdicts: tuple[str, ...]
    rows: tuple[tuple[str, tuple[float, ...]], ...]


def rate_matrices(table: EstimateTable, verdicts: Sequence[str]) -> list[RateMatrix]:
    """The estimated rates of a table, in the order of `verdicts`."""
    found = list[RateMatrix]()
    for row in table.rows:
        if rates := row.comparison.rates:
            given = _ordered({name for of_true in rates.values() for name in of_true}, verdicts)
            rows = tuple((true, tuple(rates[true].get(name, 0.0) for name in given)) for true in _ordered(rates, given))
            found.append(RateMatrix(row.label, row.comparison.criteria, given, rows))
    return found


def _ordered(names: Iterable[str], verdicts: Sequence[str]) -> tuple[str, ...]:
    present = set(names)
    known = [name for name in verdicts if name in present]
    return (*known, *sorted(present - set(known)))


def estimate_tables(measured: MeasureResults | None) -> list[EstimateTable]:
    """Every table: all records first, then each split by metadata."""
    groups = dict[tuple[str, ComparisonKind], list[Comparison]]()
    for one in measured.comparisons if measured else ():
        groups.setdefault((one.by, one.kind), []).append(one)
    order = list(TABLE_CAPTIONS)
    keys = sorted(groups, key=lambda key: (key[0] != "", key[0], order.index(key[1])))
    return [_table(by, kind, groups[by, kind]) for by, kind in keys]


def _table(by: str, kind: ComparisonKind, found: Sequence[Comparison]) -> EstimateTable:
    named = {estimate.measure for one in found for estimate in one.estimates}
    measures = (*(name for name in MEASURE_LABELS if name in named), *sorted(named - set(MEASURE_LABELS)))
    ordered = sorted(
        found, key=lambda one: (one.criteria, [natural_key(name) for name in one.raters], natural_key(one.group))
    )
    caption = TABLE_CAPTIONS[kind] + (f", by {by}" if by else "")
    return EstimateTable(kind, by, caption, measures, tuple(_row(one, measures) for one in ordered))


def _row(one: Comparison, measures: Sequence[str]) -> EstimateRow:
    by_measure = {estimate.measure: estimate for estimate in one.estimates}
    return EstimateRow(one, comparison_label(one), tuple(by_measure.get(name) for name in measures))


def comparison_label(one: Comparison) -> str:
    """The raters that are compared, in few words."""
    if one.kind == "truth":
        return next((rater for rater in one.raters if rater != GROUND_TRUTH), GROUND_TRUTH)
    if one.kind == "reasons":
        return one.raters[1]
    if one.kind == "all_models":
        return pluralised(len(one.raters), "model")
    if one.kind == "all_people":
        return join_list(one.raters)
    if one.kind == "dawid_skene":
        return one.raters[0]
    if one.kind in ("majority", "people_truth"):
        return one.raters[1]
    if one.kind == "repeats":
        return one.raters[0].partition(" repeat ")[0]
    return " – ".join(one.raters)


def format_interval(estimate: Estimate) -> str:
    """`0.76 to 0.91`; empty without an interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{format_decimal(estimate.low)} to {format_decimal(estimate.high)}"


def format_estimate(estimate: Estimate | None) -> str:
    """An estimate in words; for an undefined one the reason."""
    if estimate is None:
        return "–"
    if estimate.value is None:
        return f"undefined: {estimate.undefined or 'no reason given'}"
    bounds = format_interval(estimate)
    return format_decimal(estimate.value) + (f" ({bounds})" if bounds else "")


def explain_measures(tables: Iterable[EstimateTable]) -> list[tuple[str, str]]:
    """The measures that occur, each with its explanation."""
    present = {name for table in tables for name in table.measures}
    return [(MEASURE_LABELS[name], text) for name, text in MEASURE_EXPLANATIONS.items() if name in present]
