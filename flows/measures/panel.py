"""Collects the labels of the raters that are compared, and makes their ratings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from contract.codebook import Variable
from contract.measures import Measures
from flows.measures.ratings import MISSING, Ratings
from flows.measures.scale import build_scale, scale_label
from flows.tables.identity import natural_key
from flows.tables.verdict_row import VerdictRow

GROUND_TRUTH = "ground truth"
MAJORITY = "most people"
OFF_SCALE = ""
"""Label of a verdict that is not on the scale; verdicts are never empty."""


@dataclass(frozen=True)
class RaterPanel:
    """The records of one criterion (and group), and each rater's labels for them."""

    records: Sequence[str]
    """Every record with at least one row."""
    truth: Mapping[str, str]
    """Record -> label, OFF_SCALE where it has none on the scale; records without ground truth are not in it."""
    verdicts: Mapping[tuple[str, int], Mapping[str, str]]
    """Model and repeat -> record -> label or OFF_SCALE."""
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """Person -> record -> label or OFF_SCALE."""

    @classmethod
    def from_rows(cls, rows: Sequence[VerdictRow], spec: Measures) -> RaterPanel:
        """The panel of the rows of one criterion."""
        verdicts = dict[tuple[str, int], dict[str, str]]()
        for row in rows:
            labels = verdicts.setdefault((row.model, row.repeat), {})
            if row.verdict is not None:
                labels[row.record_id] = scale_label(row.verdict, spec) or OFF_SCALE
        truth = {
            row.record_id: (scale_label(row.truth, spec) if row.is_truth_possible else None) or OFF_SCALE
            for row in rows
            if row.truth is not None
        }
        people = dict[str, dict[str, str]]()
        for row in rows:
            for person, verdict in row.people.items():
                people.setdefault(person, {})[row.record_id] = scale_label(verdict, spec) or OFF_SCALE
        names = sorted(people, key=natural_key)
        records = list(dict.fromkeys(row.record_id for row in rows))
        return cls(records, truth, verdicts, {name: people[name] for name in names})

    def majority(self) -> Mapping[str, str]:
        """Record -> the label that most people gave; records where as many gave another are not in it."""
        found = dict[str, str]()
        for record in self.records:
            labels = [own[record] for own in self.people.values() if own.get(record)]
            counts = Counter(labels).most_common(2)
            if counts and (len(counts) == 1 or counts[0][1] > counts[1][1]):
                found[record] = counts[0][0]
        return found

    @property
    def models(self) -> list[str]:
        """The models, in the order of their names."""
        return sorted({model for model, _ in self.verdicts}, key=natural_key)

    def first_answers(self, model: str) -> Mapping[str, str]:
        """Record -> label or OFF_SCALE, from the first time that the model was asked."""
        return self.verdicts.get((model, 0), {})

    def repeats(self, model: str) -> list[int]:
        """The numbers of the model's repeats, from 0, in order."""
        return sorted(repeat for name, repeat in self.verdicts if name == model)


@dataclass(frozen=True)
class PanelRatings:
    """The ratings of a panel's records, as `panel_ratings` makes them."""

    ratings: Ratings
    off_scale: int
    """Records left out because of a verdict that is not on the scale."""


def panel_ratings(
    panel: RaterPanel,
    raters: Sequence[Mapping[str, str]],
    spec: Measures,
    *,
    pair: bool,
    sets: Variable | None = None,
) -> PanelRatings:
    """The ratings of these raters.

    For a pair, of the records that both judged. Else of every record that any rater judged, since the shares of the
    categories are taken over those (Gwet 2014), and without regard to which rater gave which label. `sets` is the
    variable whose labels are sets of options.
    """
    rows = [[labels.get(record) for labels in raters] for record in panel.records]
    needed = len(raters) if pair else 1
    kept = [row for row in rows if sum(bool(label) for label in row) >= needed]
    off_scale = sum(OFF_SCALE in row and sum(bool(label) for label in row) < 2 for row in rows)
    scale = build_scale((label for row in kept for label in row if label), spec, sets)
    codes = [[scale.codes[label] if label else MISSING for label in row] for row in kept]
    matrix = np.array(codes, dtype=np.int64).reshape(len(codes), len(raters))
    return PanelRatings(Ratings.from_codes(matrix, scale, raters_differ=pair), off_scale)
