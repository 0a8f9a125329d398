"""Dawid and Skene's model: their own data, an independent library's figures, and what is shown of people."""

from __future__ import annotations

import numpy as np
import pytest

from flows.measures.compute import compute_measures
from flows.measures.dawid_skene import estimate_raters
from tests.support.verdicts import people_rows, spec

# Dawid & Skene 1979, table 1: five anaesthetists on 45 patients, the first of them three times.
TABLE = (
    "111 1 1 1 1/333 4 3 3 4/112 2 1 2 2/222 3 1 2 1/222 3 2 2 2/222 3 3 2 2/122 2 1 1 1/333 3 4 3 3/"
    "222 2 2 2 3/232 2 2 2 3/444 4 4 4 4/222 3 3 4 3/111 1 1 1 1/222 3 2 1 2/121 1 1 1 1/111 2 1 1 1/"
    "111 1 1 1 1/111 1 1 1 1/222 2 2 2 1/222 1 3 2 2/222 2 2 2 2/222 2 2 2 1/222 3 2 2 2/221 2 2 2 2/"
    "111 1 1 1 1/111 1 1 1 1/232 2 2 2 2/111 1 1 1 1/111 1 1 1 1/112 1 1 2 1/111 1 1 1 1/333 3 2 3 3/"
    "111 1 1 1 1/222 2 2 2 2/222 3 2 3 2/433 4 3 4 3/221 2 2 3 2/232 3 2 3 3/333 3 4 3 2/111 1 1 1 1/"
    "111 1 1 1 1/121 2 1 1 1/232 2 2 2 2/121 1 1 1 1/222 2 2 2 2"
)

CROWD_SHARES = [0.39996295117, 0.41261186492, 0.12075851724, 0.06666666667]
CROWD_RATES = [
    0.83335366625, 0.16664633373, 0, 0, 0.05391256461, 0.64632405551, 0.29976337987, 0, 0, 0, 1, 0, 0, 0, 0, 1,
]  # fmt: skip


def counts(*, first_only: bool) -> np.ndarray[tuple[int, int, int], np.dtype[np.float64]]:
    found = np.zeros((45, 5, 4))
    for patient, line in enumerate(TABLE.split("/")):
        for observer, given in enumerate(line.split()):
            for label in given[:1] if first_only else given:
                found[patient, observer, int(label) - 1] += 1
    return found


def test_the_published_example_to_the_published_digits() -> None:
    model = estimate_raters(counts(first_only=False))
    assert model.converged
    assert model.shares.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    assert model.rates[0].round(2).tolist()[:2] == [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0]]


def test_estimates_are_those_of_an_independent_library() -> None:
    """Figures of crowd-kit 1.4.2 for the first answer of each observer, `DawidSkene(n_iter=2000, tol=1e-14)`."""
    model = estimate_raters(counts(first_only=True))
    assert model.shares.tolist() == pytest.approx(CROWD_SHARES, abs=1e-8)
    assert model.rates[1].ravel().tolist() == pytest.approx(CROWD_RATES, abs=1e-8)


def test_each_person_has_a_row_that_says_what_it_is() -> None:
    said = {name: [row.split()[place][0] for row in TABLE.split("/")] for place, name in enumerate("abcde")}
    found = compute_measures(people_rows(said), spec(truth="label", resamples=0))
    shown = {one.raters[0]: one.estimates[0] for one in found.comparisons if one.kind == "dawid_skene"}
    assert list(shown) == list("abcde")
    model = estimate_raters(counts(first_only=True))
    assert shown["b"].value == pytest.approx(model.accuracy(1), abs=1e-9)


def test_a_coder_who_hardly_errs_is_settled_on_slowly() -> None:
    """Twelve records of three coders; the limits are those of an expectation-maximisation written for this."""
    rows = ["vvv", "vvd", "ddv", "vdv", "vdd", "ddd", "ddd", "ddd", "vvd", "vvd", "ddv", "vvv"]
    said = {name: [row[place] for row in rows] for place, name in enumerate("abc")}
    found = compute_measures(people_rows(said), spec(truth="label", resamples=0))
    shown = {one.raters[0]: one.estimates[0].value for one in found.comparisons if one.kind == "dawid_skene"}
    assert shown == pytest.approx({"a": 5 / 6, "b": 1, "c": 1 / 2}, abs=1e-4)


def test_of_two_people_it_cannot_be_told_who_errs() -> None:
    found = compute_measures(people_rows({"ana": ["x", "y"] * 6, "ben": ["x"] * 12}), spec(truth="label", resamples=0))
    reasons = {one.estimates[0].undefined for one in found.comparisons if one.kind == "dawid_skene"}
    assert reasons == {"of 2 people it cannot be told which of them errs"}
