"""How people's answers are read as verdicts: spellings, codes, cuts."""

from __future__ import annotations

from typing import Any

import pytest

from contract.measures import Measures
from flows.tables.answers import AnswerReader, overlapping_cuts

VERDICTS = ("violates", "does_not_violate", "unclear")
TRUE_FALSE = {"true": "violates", "false": "does_not_violate"}
CUT = {">=0.5": "violates", "<0.5": "does_not_violate"}


def reader(verdicts: tuple[str, ...] = VERDICTS, **fields: Any) -> AnswerReader:
    return AnswerReader(Measures.model_validate({"verdicts": "judge", "truth": "x", **fields}), verdicts)


def read(value: Any, verdicts: tuple[str, ...] = VERDICTS, **fields: Any) -> tuple[str | None, str] | None:
    found = reader(verdicts, **fields).read(value)
    return (found.verdict, found.how) if found else None


@pytest.mark.parametrize("code", ["NULL", "n/a", "None", ".", "NA", "nan", "-99", "-99.0", "-9", "#N/A"])
def test_a_code_for_not_coded_is_no_answer(code: str) -> None:
    assert read(code, labels=TRUE_FALSE) == (None, "missing")


def test_a_study_names_codes_of_its_own() -> None:
    assert read("99", labels={"99": "missing"}) == (None, "missing")
    assert read("99.0", missing=[99, None]) == (None, "missing")
    assert read("skip", missing="skip") == (None, "missing")


def test_what_a_study_names_is_no_code() -> None:
    assert read("none", labels={"none": "unclear"}) == ("unclear", "exact")
    assert read("None", verdicts=("none", "some")) == ("none", "alike")
    assert read("missing", verdicts=("missing", "there"), labels={"gone": "missing"}) == ("missing", "exact")
    assert read("-99", verdicts=(), level="interval") == ("-99", "exact")


@pytest.mark.parametrize("value", ["TRUE", "True ", "1", "1.0", 1, 1.0, True])
def test_true_is_read_in_each_spelling(value: Any) -> None:
    found = read(value, labels=TRUE_FALSE)
    assert found and found[0] == "violates"


@pytest.mark.parametrize(
    ("value", "fields", "verdict"),
    [
        ("2.0", {"labels": {"2": "violates"}}, "violates"),
        ("2", {"labels": {"2.0": "violates"}}, "violates"),
        ("Yes ", {"labels": {"yes": "violates"}}, "violates"),
        ("Does not violate", {}, "does_not_violate"),
        ("2.0", {"level": "ordinal", "order": [1, 2, 3]}, "2"),
        ("High", {"level": "ordinal", "order": ["low", "high"]}, "high"),
        ("0.8333333", {"labels": CUT}, "violates"),
        ("0.0", {"labels": CUT}, "does_not_violate"),
        (0.5, {"labels": CUT}, "violates"),
    ],
)
def test_an_answer_is_read_as_what_it_is_alike(value: Any, fields: dict[str, Any], verdict: str) -> None:
    found = read(value, **fields)
    assert found and found[0] == verdict


def test_what_is_alike_two_verdicts_is_neither() -> None:
    assert read("yes", labels={"YES": "violates", "Yes": "unclear"}) == ("yes", "unknown")


def test_an_answer_that_no_judge_may_give_is_unknown() -> None:
    assert read("hateful") == ("hateful", "unknown")
    assert read("4", level="ordinal", order=["1", "2", "3"]) == ("4", "unknown")
    assert read("many", verdicts=(), level="interval") == ("many", "unknown")
    assert read("hateful", verdicts=()) == ("hateful", "exact")


def test_cuts_that_overlap_are_found() -> None:
    assert overlapping_cuts(CUT) is None
    assert overlapping_cuts({">=0.5": "a", "<0.6": "b"}) == (">=0.5", "<0.6")
    assert overlapping_cuts({">0.5": "a", ">0.7": "a"}) is None


def test_yes_without_quotation_marks_is_a_mistake_with_its_reason() -> None:
    for fields in ({"positive": True}, {"labels": {True: "x"}}, {"labels": {"x": False}}, {"order": [True, "b"]}):
        with pytest.raises(ValueError, match="quotation marks"):
            Measures.model_validate({"verdicts": "judge", **fields})
