"""Why a step was not needed, in words."""

from __future__ import annotations

import pytest

from flows.spec.condition_words import unmet_words


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("answers | length >= 2", "one answer"),
        ("verdicts | length > 3", "no verdicts"),
        ("unknown | length >= 2", "there are fewer than 2 unknown"),
        ("not (answers | length >= 1)", "there are at least 1 answers"),
        ("parameters.fetch", "‘fetch’ is not set"),
        ("not earlier", "there is ‘earlier’"),
        ("parameters.a and b", "‘a’ is not set or there is no ‘b’"),
        ("answers | length == 2", "one answer"),
        ("a == b", None),
        ("a ==", None),
    ],
)
def test_a_condition_that_does_not_hold_in_words(condition: str, words: str | None) -> None:
    assert unmet_words(condition, {"answers": 1, "verdicts": 0}) == words
