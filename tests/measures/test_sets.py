"""Answers that are sets of options: MASI distance, and Krippendorff's alpha with it."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from contract.codebook import Variable
from flows.measures import libraries, resampled
from flows.measures.compute import IN_WORDS_REASON, compute_measures
from flows.measures.panel import RaterPanel, panel_ratings
from flows.measures.scale import build_scale
from tests.support.verdicts import comparison, estimates, rows, spec

TOPICS = Variable(name="topics", type="choices", options=("a", "b", "c"))
FIRST = ["a", "a; b", "b; c", "none", "c", "a; b; c", "b"]
SECOND = ["a", "a", "a; b", "none", "c", "a; b", "c"]


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("a; b", "a; b", 0),
        ("a; b", "a; b; c", 1 - 2 / 3 * 2 / 3),
        ("a; b", "b; c", 1 - 1 / 3 * 1 / 3),
        ("a", "b; c", 1),
        ("none", "none", 0),
        ("none", "a", 1),
    ],
)
def test_distances_are_those_of_passonneau(one: str, other: str, distance: float) -> None:
    scale = build_scale([one, other], spec(), TOPICS)
    found = scale.set_distances[scale.codes[one], scale.codes[other]]
    assert found == pytest.approx(distance, abs=1e-12)


def test_alpha_of_sets_is_one_less_observed_over_expected_distance() -> None:
    ratings = panel_ratings(
        RaterPanel.from_rows(rows({"x": FIRST, "y": SECOND}), spec()),
        [{str(n): text for n, text in enumerate(given)} for given in (FIRST, SECOND)],
        spec(),
        pair=True,
        sets=TOPICS,
    ).ratings
    distances, codes = ratings.scale.set_distances, ratings.scale.codes
    pairs = [(codes[one], codes[other]) for one, other in zip(FIRST, SECOND, strict=True)]
    observed = np.mean([distances[pair] for pair in pairs])
    expected = np.mean([distances[pair] for pair in permutations([code for pair in pairs for code in pair], 2)])
    by_hand = 1 - observed / expected
    whole = ratings.record_counts[None, :].astype(np.float64)
    assert libraries.alpha_of_sets(ratings.counts_by_record(), distances) == pytest.approx(by_hand, abs=1e-12)
    assert resampled.alpha_masi(ratings, whole)[0] == pytest.approx(by_hand, abs=1e-12)


def test_each_option_is_measured_too_and_words_are_not() -> None:
    judged = [replace(one, criteria="f.topics") for one in rows({"x": FIRST, "y": SECOND})]
    judged += [replace(one, criteria="f.gist") for one in rows({"x": ["so", "what"], "y": ["so", "then"]})]
    variables = {"f.topics": TOPICS, "f.gist": Variable(name="gist", type="text")}
    found = compute_measures(judged, spec(resamples=20), variables=variables)
    by_criterion = {one.criteria: one for one in found.comparisons if one.kind in ("models", "all_models")}
    assert set(by_criterion) == {"f.topics", "f.topics: a", "f.topics: b", "f.topics: c", "f.gist"}
    assert by_criterion["f.gist"].estimates[0].undefined == IN_WORDS_REASON
    [of_a] = [one for one in found.comparisons if (one.kind, one.criteria) == ("models", "f.topics: a")]
    has_a = {
        name: ["yes" if "a" in text else "no" for text in said] for name, said in {"x": FIRST, "y": SECOND}.items()
    }
    plain = rows(has_a)
    same = estimates(comparison(compute_measures(plain, spec(resamples=20)), "models"))
    assert estimates(of_a)["cohen_kappa"].value == same["cohen_kappa"].value
