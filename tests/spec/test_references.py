"""References and conditions: what they read, and their errors."""

from __future__ import annotations

from typing import Any

import pytest

from contract.record import Record
from flows.spec.conditions import compile_condition
from flows.spec.references import alternatives, parse_reference

VALUES: dict[str, Any] = {
    "record": Record(record_id="1", text="x", metadata={"by": {"name": "A"}}).model_dump(),
    "parameters": {"query": "Why?"},
    "previous": {"check": {"missing": ("m",)}},
    "check": {"answers": ({"claims": (1, 2)}, {"claims": ()})},
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("parameters.query", "Why?"),
        ("record.metadata.by.name", "A"),
        ("record.text", "x"),
        ("previous.check.missing", ["m"]),
        ("previous.search.queries", None),
        ("check.answers[0].claims", [1, 2]),
        ("check.answers[].claims[]", [1, 2]),
        ("check | length(answers)", 2),
        ("check.nothing", None),
        ("skipped.answers", None),
        ("skipped", None),
    ],
)
def test_a_reference_resolves(text: str, value: object) -> None:
    assert parse_reference(text).resolve(VALUES) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a reference"),
        ("previous", "names no step"),
        ("a b", "a dot"),
        ("a.[", "not JMESPath"),
        ("a.b[0", "not JMESPath"),
    ],
)
def test_a_text_that_is_no_reference_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_reference(text)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("answers | length >= 2", True),
        ("check.sufficient", False),
        ("check.sufficient and round < 3", False),
        ("not record.ground_truth", True),
        ("a.items > 2", True),
        ("text == '{{ 7 * 7 }}'", True),
        ("parameters.tone in ['plain', 'formal']", True),
    ],
)
def test_a_condition_is_decided(text: str, holds: bool) -> None:
    values: dict[str, Any] = {
        "answers": [1, 2],
        "check": None,
        "round": 1,
        "record": {"ground_truth": None},
        "a": {"items": 3},
        "text": "{{ 7 * 7 }}",
        "parameters": {"tone": "plain"},
    }
    assert compile_condition(text).evaluate(values) is holds


@pytest.mark.parametrize("text", ["a >", "a = b", "a | nosuch", "", "{% if %}", "a }} {{ b"])
def test_a_text_that_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a condition"):
        compile_condition(text)


@pytest.mark.parametrize(
    "text", ["a > 2", "b.x", "''.__class__.__mro__", "b.__class__.__mro__", "b.items()", "range(3) | length"]
)
def test_a_condition_that_cannot_be_decided_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be decided|has no value"):
        compile_condition(text).evaluate({"a": None, "b": {}})


def test_a_condition_names_what_it_reads() -> None:
    condition = compile_condition("check.sufficient and answers | length > 1")
    assert condition.names == {"check", "answers"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b or parameters.query", ("a.b", "parameters.query")),
        ("a  or\tb or c", ("a", "b", "c")),
        ("a.order", ("a.order",)),
        ("a[?b == 'x or y']", ("a[?b == 'x or y']",)),
        ("a[?b == 'x or y'] or c", ("a[?b == 'x or y']", "c")),
        ("a.[b or c]", ("a.[b or c]",)),
    ],
)
def test_or_names_alternatives_but_not_within_a_text(text: str, expected: tuple[str, ...]) -> None:
    assert alternatives(text) == expected
