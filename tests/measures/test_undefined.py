"""Undefined measures are reported with a reason, never as 0 or 1."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from flows.measures.catalogue import SINGLE_CATEGORY_REASON
from flows.measures.compute import compute_measures
from flows.measures.results import NO_GROUND_TRUTH, Estimate
from tests.support.verdicts import (
    comparison,
    estimates,
    estimates_against_truth,
    estimates_of_two_models,
    row,
    rows,
    spec,
)

Verdicts = Sequence[str | None]
NOBODY = "no record was judged by both"
ONE = "only one record was judged by both"


def undefined(found: dict[str, Estimate]) -> dict[str, str]:
    """Measure -> reason, for the measures without a value."""
    for estimate in found.values():
        assert (estimate.value is None) == (estimate.undefined is not None)
        assert estimate.value is not None or (estimate.low is None and estimate.high is None)
    return {name: estimate.undefined for name, estimate in found.items() if estimate.undefined is not None}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["x", "x"], ["x", "x"], {"cohen_kappa": SINGLE_CATEGORY_REASON, "krippendorff_alpha": SINGLE_CATEGORY_REASON}),
        (["x", "y"], ["x", "y"], {}),
        (["x", "x"], ["y", "y"], {}),
        (["x", None], ["x", "y"], dict.fromkeys(["percent_agreement", "cohen_kappa", "krippendorff_alpha"], ONE)),
        ([None, "x"], ["x", None], dict.fromkeys(["percent_agreement", "cohen_kappa", "krippendorff_alpha"], NOBODY)),
    ],
)
def test_two_models(first: Verdicts, second: Verdicts, expected: dict[str, str]) -> None:
    reasons = undefined(estimates_of_two_models(first, second, resamples=50))
    reasons.pop("gwet_ac1", None)
    assert reasons == expected


def test_ac1_needs_two_categories_on_its_scale_not_in_the_data() -> None:
    assert "only one category" in undefined(estimates_of_two_models(["x", "x"], ["x", "x"]))["gwet_ac1"]
    ordinal = estimates_of_two_models(["x", "x"], ["x", "x"], level="ordinal", order=("x", "y"))
    assert ordinal["gwet_ac1"].value == 1


def test_total_disagreement_is_0_for_cohen() -> None:
    assert estimates_of_two_models(["x", "x"], ["y", "y"])["cohen_kappa"].value == 0


@pytest.mark.parametrize(
    ("truth", "verdicts", "expected"),
    [
        (["y", "n", "y"], ["y", "n", "n"], {}),
        (["y", "n", "y"], ["n", "n", "n"], {"precision": "the verdict `y` was never given"}),
        (["n", "n", "n"], ["y", "n", "n"], {"recall": "no record is `y` in the ground truth"}),
        (
            ["n", "n", "n"],
            ["n", "u", "n"],
            {
                "precision": "the verdict `y` was never given",
                "recall": "no record is `y` in the ground truth",
                "f1": "the verdict `y` was never given, and no record is `y` in the ground truth",
            },
        ),
    ],
)
def test_precision_and_recall(truth: Verdicts, verdicts: Verdicts, expected: dict[str, str]) -> None:
    assert undefined(estimates_against_truth(truth, verdicts, positive="y", resamples=50)) == expected


def test_without_ground_truth_everything_is_undefined() -> None:
    found = estimates_against_truth([None, None], ["y", "n"], positive="y")
    assert set(undefined(found)) == set(found)
    assert set(undefined(found).values()) == {NO_GROUND_TRUTH}


def test_without_a_field_of_ground_truth_there_is_no_such_comparison() -> None:
    kinds = {one.kind for one in compute_measures(rows({"a": ["x", "y"], "b": ["x", "y"]}), spec()).comparisons}
    assert kinds == {"models", "all_models"}


def test_an_unclear_verdict_does_not_match_and_is_a_category() -> None:
    found = estimates_against_truth(["y", "y", "n", "n"], ["y", "unclear", "n", "unclear"], positive="y")
    assert found["accuracy"].value == 0.5
    assert found["recall"].value == 0.5
    assert found["precision"].value == 1


def test_failed_cells_and_missing_truth_are_left_out_and_counted() -> None:
    verdicts = rows({"a": ["x", "y", None, "x"], "b": ["x", "y", "y", None]}, ["x", "y", "y", None])
    found = compute_measures(verdicts, spec(truth="label"))
    assert (comparison(found, "models").records, comparison(found, "models").left_out) == (2, 2)
    assert (comparison(found, "all_models").records, comparison(found, "all_models").left_out) == (2, 2)
    with_truth = comparison(found, "truth", "b")
    assert (with_truth.records, with_truth.left_out) == (3, 1)


def test_verdicts_that_are_not_on_the_scale_are_left_out_and_counted() -> None:
    verdicts = rows({"a": ["1", "2", "many", "4"], "b": ["1.0", "3", "3", "inf"]})
    found = comparison(compute_measures(verdicts, spec(level="interval")), "models")
    assert (found.records, found.left_out, found.off_scale) == (2, 2, 2)
    ordinal = compute_measures(verdicts, spec(level="ordinal", order=("1", "2", "3", "4")))
    assert comparison(ordinal, "models").off_scale == 3


def test_an_interval_that_is_undefined_in_many_resamples_is_not_given() -> None:
    found = estimates_of_two_models(["x", "x", "x", "y"], ["x", "x", "x", "y"], resamples=1000)
    kappa = found["cohen_kappa"]
    assert kappa.value == pytest.approx(1)
    assert kappa.low is None and kappa.high is None
    assert kappa.interval_undefined is not None and "of the resamples" in kappa.interval_undefined


def test_no_rows_no_comparisons() -> None:
    assert compute_measures([], spec(truth="label")).comparisons == ()


def test_a_single_model_is_not_compared_with_itself() -> None:
    assert compute_measures([row("1", "a", "x")], spec()).comparisons == ()


def test_all_estimates_of_odd_rows_are_numbers_or_reasons() -> None:
    odd = [row("1", "ground truth", "x", "x"), row("1", "b", "", "y"), row("2", "b", "x", None)]
    for one in compute_measures(odd, spec(truth="label", resamples=10)).comparisons:
        undefined(estimates(one))


@pytest.mark.parametrize(
    ("first", "second"), [("1123", "3321"), ("12312", "32221"), ("1213", "2113"), ("112233", "123123")]
)
def test_agreement_as_by_chance_is_0_and_not_a_little_less(first: str, second: str) -> None:
    found = estimates_of_two_models(list(first), list(second), level="ordinal", order=("1", "2", "3"), resamples=50)
    for estimate in found.values():
        for number in (estimate.value, estimate.low, estimate.high):
            assert number is None or number in (0, 1) or min(abs(number), abs(number - 1)) > 1e-12
            assert str(number) != "-0.0"


@pytest.mark.parametrize(
    ("number", "kept"), [(-2.2e-16, "0.0"), (1 - 1e-16, "1.0"), (-1 + 1e-16, "-1.0"), (1e-9, "1e-09")]
)
def test_what_is_within_rounding_of_a_whole_number_is_that_number(number: float, kept: str) -> None:
    found = Estimate.measured("weighted_kappa", number, number, number)
    assert [str(found.value), str(found.low), str(found.high)] == [kept] * 3
