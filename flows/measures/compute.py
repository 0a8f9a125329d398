"""Measures models against the ground truth, each other (in pairs and all at once), and their own repeats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from contract.codebook import Variable
from contract.measures import Measures
from flows.measures import catalogue, libraries
from flows.measures.bootstrap import bootstrap_intervals
from flows.measures.catalogue import Measure
from flows.measures.dawid_skene import dawid_skene_comparisons
from flows.measures.method_sentence import method_sentence
from flows.measures.panel import GROUND_TRUTH, MAJORITY, RaterPanel, panel_ratings
from flows.measures.ratings import Ratings
from flows.measures.results import NO_GROUND_TRUTH, Comparison, ComparisonKind, Estimate, MeasureResults
from flows.tables.coded_variables import measures_of, option_rows
from flows.tables.csv_text import scalar_text
from flows.tables.flatten import flatten
from flows.tables.ground_truth import belongs_to
from flows.tables.identity import natural_key
from flows.tables.judges import Judges
from flows.tables.verdict_row import VerdictRow

MAX_CONFUSION_CATEGORIES = 50
"""Number of categories beyond which no confusion matrix is made."""
IN_WORDS_REASON = "these are answers in words, which no coefficient compares"
NO_GROUP = "(none)"
"""The group of records without a value in the field that splits them."""


def compute_measures(
    rows: Sequence[VerdictRow],
    spec: Measures,
    judges: Judges | None = None,
    variables: Mapping[str, Variable] | None = None,
) -> MeasureResults:
    """Every comparison, by criterion; then again for each value of each field in `spec.by`.

    Where a model was asked several times, its first answer is compared with the ground truth and with other models;
    its answers with each other are the kind `repeats`. A verdict such as `unclear` is a category like any other, so it
    counts as not matching any other ground truth. Precision, recall and F1 are left out at interval
    and ratio level, and where `spec.positive` is None. `variables` are those criteria that are variables of a codebook:
    each is measured at its own level, and answers in words are not measured.
    """
    known = variables or {}
    found = tuple(_comparisons(rows, spec, judges or Judges(), known))
    return MeasureResults(found, method_sentence(spec, known.values()))


def _comparisons(
    rows: Sequence[VerdictRow], study: Measures, judges: Judges, variables: Mapping[str, Variable]
) -> Iterator[Comparison]:
    criteria_of_rows = sorted({row.criteria for row in rows}, key=natural_key)
    for name in criteria_of_rows:
        has_truth = belongs_to(study, name, criteria_of_rows)
        variable = variables.get(name)
        judged = [row for row in rows if row.criteria == name]
        if variable is not None and variable.is_in_words:
            yield _not_measured(judged, name)
            continue
        sets = variable if variable is not None and variable.type == "choices" else None
        yield from _of_criterion(judged, measures_of(study, variable), judges, has_truth, name, sets)
        for option in sets.options if sets else ():
            of_option = option_rows(judged, sets, option) if sets else []
            spec = measures_of(study, Variable(name=option, type="yes_no"))
            yield from _of_criterion(of_option, spec, judges, has_truth, of_option[0].criteria)


def _not_measured(judged: Sequence[VerdictRow], criteria: str) -> Comparison:
    raters = tuple(sorted({row.model for row in judged}, key=natural_key))
    estimate = Estimate("percent_agreement", None, undefined=IN_WORDS_REASON)
    return Comparison("all_models", criteria, "", "", raters, 0, len({row.record_id for row in judged}), (estimate,))


def _of_criterion(
    judged: Sequence[VerdictRow],
    spec: Measures,
    judges: Judges,
    has_truth: bool,
    criteria: str,
    sets: Variable | None = None,
) -> Iterator[Comparison]:
    for field, group, members in [("", "", judged), *_groups(judged, spec)]:
        panel = RaterPanel.from_rows(members, spec)
        yield from _ComparisonBuilder(panel, spec, judges, has_truth, criteria, field, group, sets).comparisons()


def _groups(judged: Sequence[VerdictRow], spec: Measures) -> Iterator[tuple[str, str, Sequence[VerdictRow]]]:
    for field in spec.by:
        for group, members in _rows_by_group(judged, field).items():
            yield field, group, members


def _rows_by_group(rows: Sequence[VerdictRow], field: str) -> Mapping[str, list[VerdictRow]]:
    groups = dict[str, list[VerdictRow]]()
    for row in rows:
        groups.setdefault(_group_name(row, field), []).append(row)
    return {name: groups[name] for name in sorted(groups, key=natural_key)}


def _group_name(row: VerdictRow, field: str) -> str:
    value = row.groups.get(field)
    parts = [scalar_text(part) for _, part in flatten("", value)]
    return ", ".join(parts) if any(parts) else NO_GROUP


_Rater: TypeAlias = tuple[str, Mapping[str, str]]
"""The name of a rater, and record -> its label."""


@dataclass(frozen=True)
class _ComparisonBuilder:
    """All comparisons within one criterion and group."""

    panel: RaterPanel
    spec: Measures
    judges: Judges
    has_truth: bool
    """Whether people's answers belong to this criterion."""
    criteria: str
    by: str = ""
    group: str = ""
    sets: Variable | None = None
    """The variable whose answers are sets of options; None for verdicts that are one of several."""

    def comparisons(self) -> Iterator[Comparison]:
        panel = self.panel
        if self.has_truth:
            for model in panel.models:
                yield self._comparison(
                    "truth", [(GROUND_TRUTH, panel.truth), (model, panel.first_answers(model))], self._truth_measures()
                )
            yield from self._with_people()
        yield from self._between_models()
        for model in panel.models:
            repeats = [(f"{model} repeat {n + 1}", panel.verdicts[model, n]) for n in panel.repeats(model)]
            if len(repeats) > 1:
                yield self._comparison("repeats", repeats, self._group_measures())

    def _with_people(self) -> Iterator[Comparison]:
        """People with each other, and each model with each of them."""
        people = list(self.panel.people.items())
        models = [(model, self.panel.first_answers(model)) for model in self.panel.models]
        also = [] if self.sets else [catalogue.BRENNAN_PREDIGER]
        measures = [*self._pair_measures(), *also]
        for pair in combinations(people, 2):
            yield self._comparison("people", pair, measures)
        if len(people) > 1:
            yield self._comparison("all_people", people, [*self._group_measures(), *also])
            yield from (self._comparison("person", [one, other], measures) for one in people for other in models)
            if not self.by and not self.sets and self.spec.level in ("nominal", "ordinal"):
                yield from dawid_skene_comparisons(self.panel, self.criteria)
        if self.spec.gold is not None and len(people) > 1:
            majority = (MAJORITY, self.panel.majority())
            yield from (self._comparison("majority", [majority, other], measures) for other in models)
            truth = (GROUND_TRUTH, self.panel.truth)
            yield from (self._comparison("people_truth", [truth, one], measures) for one in people)

    def _between_models(self) -> Iterator[Comparison]:
        models = [(model, self.panel.first_answers(model)) for model in self.panel.models]
        for pair in combinations(models, 2):
            yield self._comparison("models", pair, self._pair_measures())
        if len(models) > 1:
            yield self._comparison("all_models", self._distinct(models) or models, self._group_measures())

    def _distinct(self, raters: Sequence[_Rater]) -> list[_Rater] | None:
        """The raters, each judge once; None if they are all one judge."""
        first = {self.judges.identity(self.criteria, name): name for name, _ in reversed(raters)}
        return [rater for rater in raters if rater[0] in first.values()] if len(first) > 1 else None

    def _comparison(self, kind: ComparisonKind, raters: Sequence[_Rater], measures: Sequence[Measure]) -> Comparison:
        names = tuple(name for name, _ in raters)
        pair = kind not in ("repeats", "all_people") and len(raters) == 2
        found = panel_ratings(self.panel, [labels for _, labels in raters], self.spec, pair=pair, sets=self.sets)
        ratings = found.ratings
        # Neither the table nor the group is in it, so that the same raters of the same records have one interval.
        identity = ["models" if kind == "all_models" else kind, self.criteria, *names]
        return Comparison(
            kind=kind,
            criteria=self.criteria,
            by=self.by,
            group=self.group,
            raters=names,
            records=ratings.pairable_records,
            left_out=len(self.panel.records) - ratings.pairable_records,
            estimates=_estimates(ratings, measures, self.spec, identity, self._reason_against(kind, names)),
            confusion=_confusion_counts(ratings) if kind == "truth" else None,
            off_scale=found.off_scale,
        )

    def _reason_against(self, kind: ComparisonKind, names: Sequence[str]) -> str | None:
        """Why nothing can be learned from such a comparison; None if it can."""
        if kind == "truth":
            return None if self.panel.truth else NO_GROUND_TRUTH
        if (
            kind in _KINDS_WITH_PEOPLE
            or kind == "repeats"
            or len({self.judges.identity(self.criteria, name) for name in names}) > 1
        ):
            return None
        return self.judges.reason(self.criteria, names)

    def _truth_measures(self) -> list[Measure]:
        if self.sets:
            return [catalogue.ACCURACY, catalogue.ALPHA_MASI]
        positive = self.spec.positive if self.spec.level in ("nominal", "ordinal") else None
        positive_class = catalogue.positive_class_measures(positive) if positive is not None else ()
        return [catalogue.ACCURACY, *positive_class, *self._chance_corrected_measures()]

    def _pair_measures(self) -> list[Measure]:
        return [catalogue.PERCENT_AGREEMENT, *self._chance_corrected_measures()]

    def _chance_corrected_measures(self) -> list[Measure]:
        if self.sets:
            return [catalogue.ALPHA_MASI]
        weighted = [catalogue.WEIGHTED_KAPPA] if self.spec.level == "ordinal" else []
        last = [catalogue.GWET_AC2] if self.spec.level == "ordinal" else []
        return [catalogue.COHEN_KAPPA, *weighted, catalogue.KRIPPENDORFF_ALPHA, catalogue.GWET_AC1, *last]

    def _group_measures(self) -> list[Measure]:
        if self.sets:
            return [catalogue.PERCENT_AGREEMENT, catalogue.ALPHA_MASI]
        ordinal = self.spec.level == "ordinal"
        return [*_GROUP_MEASURES, catalogue.GWET_AC2] if ordinal else [*_GROUP_MEASURES]


_GROUP_MEASURES = (
    catalogue.PERCENT_AGREEMENT,
    catalogue.FLEISS_KAPPA,
    catalogue.KRIPPENDORFF_ALPHA,
    catalogue.GWET_AC1,
)
_KINDS_WITH_PEOPLE = ("people", "all_people", "person", "majority", "people_truth")


def _estimates(
    ratings: Ratings, measures: Sequence[Measure], spec: Measures, identity: Sequence[str], reason_against: str | None
) -> tuple[Estimate, ...]:
    reasons = {
        measure.name: reason_against or _too_few_records_reason(ratings) or measure.undefined_reason(ratings)
        for measure in measures
    }
    defined = [measure for measure in measures if reasons[measure.name] is None]
    bounds = dict(
        zip((measure.name for measure in defined), bootstrap_intervals(ratings, defined, spec, identity), strict=True)
    )
    return tuple(
        Estimate.measured(
            one.name,
            one.point_estimate(ratings),
            bounds[one.name].low,
            bounds[one.name].high,
            bounds[one.name].undefined,
        )
        if one.name in bounds
        else Estimate(one.name, None, undefined=reasons[one.name])
        for one in measures
    )


def _too_few_records_reason(ratings: Ratings) -> str | None:
    if ratings.pairable_records >= 2:
        return None
    who = "both" if ratings.codes.shape[1] == 2 else "two of them"
    return f"{'only one record was' if ratings.pairable_records else 'no record was'} judged by {who}"


def _confusion_counts(ratings: Ratings) -> Mapping[str, Mapping[str, int]] | None:
    labels = ratings.scale.labels
    if len(labels) > MAX_CONFUSION_CATEGORIES:
        return None
    if not ratings.pairable_records:
        return {}
    table = libraries.confusion_matrix(ratings.codes[:, 0], ratings.codes[:, 1], ratings.record_counts, len(labels))
    return {
        truth: {verdict: int(table[row, column]) for column, verdict in enumerate(labels)}
        for row, truth in enumerate(labels)
    }
