"""Dawid and Skene's model of raters who err each in their own way: a help to look at people's answers, never gold.

The model supposes that each record has one true label, and that each rater confuses labels with chances of their own,
apart from the other raters. It estimates both at once: how often each rater gives which label for which true one, and
how probable each label is for each record. A rater who is lenient by habit is thus told from one who is careless.

Dawid & Skene 1979, "Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm", Journal of the Royal
Statistical Society, Series C 28 (1), 20-28; equations 2.3 to 2.5, begun as in 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from flows.measures.libraries import Floats
from flows.measures.panel import RaterPanel
from flows.measures.results import Comparison, Estimate
from flows.tables.identity import natural_key

MIN_RATERS = 3
"""With two raters it cannot be told which of them errs."""
MIN_RECORDS = 10
MAX_ITERATIONS = 20_000
"""An estimate near 0 or 1 settles slowly, as of a coder who hardly errs."""
TOLERANCE = 1e-9
"""The largest change of a probability in one iteration at which the estimates stand."""


@dataclass(frozen=True)
class RaterModel:
    """The estimates."""

    shares: Floats
    """How frequent each true label is: shape (categories,)."""
    rates: Floats
    """How often each rater gives a label where another is true: shape (raters, categories true, categories given)."""
    probabilities: Floats
    """How probable each label is for each record: shape (records, categories)."""
    converged: bool

    def accuracy(self, rater: int) -> float:
        """The chance with which that rater gives the true label to a record drawn at random."""
        return float((self.shares * np.diagonal(self.rates[rater])).sum())


def estimate_raters(counts: Floats) -> RaterModel:
    """The estimates for `counts`, how often each rater gave each record each label: (records, raters, categories).

    Every record needs a label of some rater. A rater who judged no record of a true label has rates of 0 there. The
    likelihood may have several maxima; the one is found that is next to the raters' votes.
    """
    probabilities = counts.sum(axis=1)
    probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    shares, rates, converged = probabilities.mean(axis=0), _rates(counts, probabilities), False
    for _ in range(MAX_ITERATIONS):
        updated = _probabilities(counts, shares, rates)
        converged = bool(np.abs(updated - probabilities).max() < TOLERANCE)
        probabilities = updated
        shares, rates = probabilities.mean(axis=0), _rates(counts, probabilities)
        if converged:
            break
    return RaterModel(shares, rates, probabilities, converged)


def _rates(counts: Floats, probabilities: Floats) -> Floats:
    """Equation 2.3: labels given, by the probability of each true one."""
    given = np.einsum("nt,nrc->rtc", probabilities, counts)
    totals = given.sum(axis=2, keepdims=True)
    return np.divide(given, totals, out=np.zeros_like(given), where=totals > 0)


def _probabilities(counts: Floats, shares: Floats, rates: Floats) -> Floats:
    """Equation 2.5, in logarithms, since a product over many raters is too small for a float."""
    with np.errstate(divide="ignore"):
        logs, prior = np.log(rates), np.log(shares)
    # A label that was never given there rules the true one out; one that was not given says nothing.
    impossible = np.einsum("nrc,rtc->nt", counts, np.isneginf(logs).astype(np.float64)) > 0
    scores = prior + np.einsum("nrc,rtc->nt", counts, np.where(np.isneginf(logs), 0.0, logs))
    scores = np.where(impossible, -np.inf, scores)
    best = scores.max(axis=1, keepdims=True)
    weights = np.exp(scores - best)
    return weights / weights.sum(axis=1, keepdims=True)


def dawid_skene_comparisons(panel: RaterPanel, criteria: str) -> Iterator[Comparison]:
    """For each person the chance of the true label, as the model estimates it from all people's answers."""
    people = list(panel.people)
    records = [record for record in panel.records if any(own.get(record) for own in panel.people.values())]
    labels = sorted({own[r] for own in panel.people.values() for r in records if own.get(r)}, key=natural_key)
    counts = np.zeros((len(records), len(people), len(labels)))
    for rater, own in enumerate(panel.people.values()):
        for number, record in enumerate(records):
            if own.get(record):
                counts[number, rater, labels.index(own[record])] = 1
    reason = _reason_against(counts)
    model = estimate_raters(counts) if reason is None else None
    for rater, person in enumerate(people):
        value = None if model is None or not model.converged else model.accuracy(rater)
        unsettled = f"the estimates did not settle in {MAX_ITERATIONS:,} iterations"
        why = reason or (None if value is not None else unsettled)
        judged = int(counts[:, rater].sum())
        name = "dawid_skene_accuracy"
        estimate = Estimate(name, None, undefined=why) if value is None else Estimate.measured(name, value)
        yield Comparison(
            "dawid_skene", criteria, "", "", (person,), judged, len(panel.records) - judged, (estimate,),
            rates=None if model is None or value is None else _named_rates(model.rates[rater], labels),
        )  # fmt: skip


def _named_rates(rates: Floats, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    named = {true: dict(zip(labels, map(float, row), strict=True)) for true, row in zip(labels, rates, strict=True)}
    return {true: row for true, row in named.items() if sum(row.values()) > 0}


def _reason_against(counts: Floats) -> str | None:
    records, raters, labels = counts.shape
    if raters < MIN_RATERS:
        return f"of {raters} people it cannot be told which of them errs"
    if records < MIN_RECORDS:
        return f"{records} records are too few"
    return "all answers are the same" if labels < 2 else None
