"""Measures of a study: models with the ground truth, with each other (two by two and all at once), with themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

from contract.flow import Measures
from flows.measures import catalogue, libraries
from flows.measures.bootstrap import intervals
from flows.measures.catalogue import Measure
from flows.measures.libraries import versions
from flows.measures.raters import TRUTH, Panel, rated
from flows.measures.ratings import Ratings
from flows.measures.shapes import NOBODY_SAID, Comparison, Estimate, Kind, Measured
from flows.tables.csv_text import text
from flows.tables.flat import flat
from flows.tables.identity import natural
from flows.tables.verdict_row import VerdictRow

MOST_CONFUSED = 50
"""Categories beyond which a table of confusions is not made."""
NO_GROUP = "(none)"
"""The group of records that have no value in the field that splits them."""


def measure(rows: Sequence[VerdictRow], spec: Measures) -> Measured:
    """Every comparison, by criterion; then again for each value of each field in `spec.by`.

    Where a model was asked several times, its first answer is compared with the ground truth and with other models;
    its answers with each other are the kind `repeats`. A verdict such as `unclear` is a category like any other, so it
    counts as not matching a ground truth that says something else. Precision, recall and F1 are left out at interval
    and ratio level, and where `spec.positive` is None.
    """
    return Measured(tuple(_comparisons(rows, spec)), method_sentence(spec))


def _comparisons(rows: Sequence[VerdictRow], spec: Measures) -> Iterator[Comparison]:
    for criteria in sorted({row.criteria for row in rows}, key=natural):
        judged = [row for row in rows if row.criteria == criteria]
        yield from _Comparing(Panel.of(judged, spec), spec, criteria).all()
        for field in spec.by:
            for group, members in _split(judged, field).items():
                yield from _Comparing(Panel.of(members, spec), spec, criteria, field, group).all()


def _split(rows: Sequence[VerdictRow], field: str) -> Mapping[str, list[VerdictRow]]:
    groups = dict[str, list[VerdictRow]]()
    for row in rows:
        groups.setdefault(_group(row, field), []).append(row)
    return {name: groups[name] for name in sorted(groups, key=natural)}


def _group(row: VerdictRow, field: str) -> str:
    value = row.groups.get(field)
    parts = [text(part) for _, part in flat("", value)]
    return ", ".join(parts) if any(parts) else NO_GROUP


_Rater: TypeAlias = tuple[str, Mapping[str, str]]
"""A name and what it said: record -> label."""


@dataclass(frozen=True)
class _Comparing:
    """All comparisons within one criterion and group."""

    panel: Panel
    spec: Measures
    criteria: str
    by: str = ""
    group: str = ""

    def all(self) -> Iterator[Comparison]:
        panel = self.panel
        if self.spec.truth is not None:
            for model in panel.models:
                yield self._compared("truth", [(TRUTH, panel.truth), (model, panel.first(model))], self._scores())
        for pair in combinations(panel.models, 2):
            yield self._compared("models", [(model, panel.first(model)) for model in pair], self._of_two())
        if len(panel.models) > 1:
            yield self._compared("all_models", [(model, panel.first(model)) for model in panel.models], _OF_MANY)
        for model in panel.models:
            repeats = [(f"{model} repeat {n + 1}", panel.said[model, n]) for n in panel.repeats(model)]
            if len(repeats) > 1:
                yield self._compared("repeats", repeats, _OF_MANY)

    def _compared(self, kind: Kind, raters: Sequence[_Rater], measures: Sequence[Measure]) -> Comparison:
        names = tuple(name for name, _ in raters)
        pair = kind in ("truth", "models")
        found = rated(self.panel, [labels for _, labels in raters], self.spec, pair=pair)
        ratings = found.ratings
        identity = [kind, self.criteria, self.by, self.group, *names]
        return Comparison(
            kind=kind,
            criteria=self.criteria,
            by=self.by,
            group=self.group,
            raters=names,
            records=ratings.units,
            left_out=len(self.panel.records) - ratings.units,
            estimates=_estimates(ratings, measures, self.spec, identity, self._unknown(kind)),
            confusion=_confusion(ratings) if kind == "truth" else None,
            off_scale=found.off_scale,
        )

    def _unknown(self, kind: Kind) -> str | None:
        return NOBODY_SAID if kind == "truth" and not self.panel.truth else None

    def _scores(self) -> list[Measure]:
        positive = self.spec.positive if self.spec.level in ("nominal", "ordinal") else None
        positive_class = catalogue.about(positive) if positive is not None else ()
        return [catalogue.ACCURACY, *positive_class, *self._beyond_chance()]

    def _of_two(self) -> list[Measure]:
        return [catalogue.PERCENT, *self._beyond_chance()]

    def _beyond_chance(self) -> list[Measure]:
        weighted = [catalogue.WEIGHTED] if self.spec.level == "ordinal" else []
        return [catalogue.COHEN, *weighted, catalogue.ALPHA, catalogue.AC1]


_OF_MANY = (catalogue.PERCENT, catalogue.FLEISS, catalogue.ALPHA, catalogue.AC1)


def _estimates(
    ratings: Ratings, measures: Sequence[Measure], spec: Measures, identity: Sequence[str], unknown: str | None
) -> tuple[Estimate, ...]:
    reasons = {measure.name: unknown or _few(ratings) or measure.undefined(ratings) for measure in measures}
    defined = [measure for measure in measures if reasons[measure.name] is None]
    bounds = dict(zip((measure.name for measure in defined), intervals(ratings, defined, spec, identity), strict=True))
    return tuple(
        Estimate(
            one.name,
            one.point(ratings),
            bounds[one.name].low,
            bounds[one.name].high,
            interval_undefined=bounds[one.name].undefined,
        )
        if one.name in bounds
        else Estimate(one.name, None, undefined=reasons[one.name])
        for one in measures
    )


def _few(ratings: Ratings) -> str | None:
    if ratings.units >= 2:
        return None
    return f"{'only one record was' if ratings.units else 'no record was'} judged by two of them"


def _confusion(ratings: Ratings) -> Mapping[str, Mapping[str, int]] | None:
    labels = ratings.scale.labels
    if len(labels) > MOST_CONFUSED:
        return None
    if not ratings.units:
        return {}
    table = libraries.confusion(ratings.codes[:, 0], ratings.codes[:, 1], ratings.records, len(labels))
    return {
        truth: {verdict: int(table[row, column]) for column, verdict in enumerate(labels)}
        for row, truth in enumerate(labels)
    }


def method_sentence(spec: Measures) -> str:
    """What a methods section says of these measures, in one sentence."""
    drawn = (
        f"Intervals are percentile bootstrap intervals at {100 * spec.confidence:.10g} % from {spec.resamples:,} "
        f"resamples of records (seed {spec.seed})"
        if spec.resamples
        else "No intervals were computed"
    )
    return (
        f"{drawn}; verdicts are taken as {spec.level}, a verdict other than the ground truth (`unclear` too) counts "
        "as not matching it, and of repeated answers the first is compared with others; accuracy, precision, recall "
        "and F1 are computed with scikit-learn, Cohen's and Fleiss' kappa with statsmodels, Krippendorff's alpha with "
        "krippendorff, percent agreement and Gwet's AC1 after Gwet (2008), with missing verdicts after Gwet (2014) "
        f"({versions()})."
    )
