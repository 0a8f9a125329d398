"""What a person wrote becomes an answer, or a mistake with what to do about it; never a silent yes."""

from __future__ import annotations

from typing import Any

import pytest

from contract.base import JsonValue
from contract.flow import GateField
from contract.questions import Question, gate_output
from flows.gates.read_answer import read_answer

TEXT: Any = Question(
    flow="f", gate="g", record_id="r", question="Fit?", shown={"draft": "one\ntwo"}, value="one\ntwo",
    decide=("approve", "reject", "edit", "choose"), options=("a", {"b": 1}),
    fields={"sure": GateField(type="yes_no"), "weight": GateField(type="number", default=1.0)},
)  # fmt: skip
VERDICT: Any = TEXT.model_copy(
    update={"value": "rude", "allowed": ("rude", "polite"), "decide": ("edit",), "fields": {}}
)
FIELDS = Question(flow="f", gate="g", record_id="r", question="?", fields={"ok": GateField(type="yes_no")})


@pytest.mark.parametrize(
    ("values", "decision", "value", "fields"),
    [
        ({"decision": "approve", "sure": "yes"}, "approve", "one\ntwo", {"sure": True, "weight": 1.0}),
        ({"decision": "Rejected"}, "reject", "one\ntwo", {"weight": 1.0}),
        ({"decision": "edit", "value": "one\n2", "sure": False}, "edit", "one\n2", {"sure": False, "weight": 1.0}),
        ({"decision": "edit", "value": "one\ntwo", "sure": "n"}, "approve", "one\ntwo", {"sure": False, "weight": 1.0}),
        (
            {"decision": "choose", "choice": 2, "sure": 1, "weight": "2,5"},
            "choose",
            {"b": 1},
            {"sure": True, "weight": 2.5},
        ),
        ({"decision": "choose", "choice": "a", "sure": 1}, "choose", "a", {"sure": True, "weight": 1.0}),
        ({"decision": "choose", "choice": "2: {…}", "sure": 1}, "choose", {"b": 1}, {"sure": True, "weight": 1.0}),
    ],
)
def test_an_answer_is_read(values: dict[str, Any], decision: str, value: Any, fields: dict[str, Any]) -> None:
    read = read_answer(TEXT, values, "file", by="ana")
    assert read.answer, read.mistakes
    assert (read.answer.decision, read.answer.value, dict(read.answer.fields)) == (decision, value, fields)
    assert read.answer.by == "ana"
    assert bool(read.answer.difference) == (decision == "edit")
    output = gate_output(TEXT, read.answer)
    assert output["approved"] is (decision != "reject")
    assert output["value"] == (None if decision == "reject" else value)


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ({"decision": "aprove", "sure": "yes"}, "decision", "did you mean 'approve'?; write approve, reject,"),
        ({"sure": "yes"}, "decision", "the decision is missing"),
        ({"comment": "well"}, "decision", "the decision is missing"),
        ({"decision": "approve"}, "sure", "'sure' is missing; write yes or no"),
        ({"decision": "approve", "sure": "perhaps"}, "sure", "'perhaps' is not yes or no"),
        ({"decision": "approve", "sure": "yes", "weight": "much"}, "weight", "'much' is not a number"),
        ({"decision": "approve", "sure": "yes", "weight": "nan"}, "weight", "'nan' is not a number"),
        ({"decision": "approve", "sure": "yes", "weight": "-1e400"}, "weight", "'-1e400' is not a number"),
        ({"decision": "approve", "sure": "yes", "weight": "1,000"}, "weight", "without a sign between thousands"),
        ({"decision": "approve", "sure": "yes", "value": "other"}, "value", "the value was changed, but"),
        ({"decision": "edit", "sure": "yes"}, "value", "the changed value is missing"),
        ({"decision": "choose", "sure": "yes"}, "choice", "the choice is missing; write its number, 1 to 2"),
        ({"decision": "choose", "sure": "yes", "choice": "3"}, "choice", "'3' is none of the options"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(values: dict[str, Any], name: str, words: str) -> None:
    read = read_answer(TEXT, values, "file")
    assert read.answer is None
    [mistake] = read.mistakes
    assert mistake.name == name and words in str(mistake)


@pytest.mark.parametrize("values", [{}, {"decision": ""}, {"decision": "later"}, {"by": "ana"}, {"decision": None}])
def test_what_is_left_empty_is_no_answer(values: dict[str, Any]) -> None:
    for question in (TEXT, FIELDS):
        read = read_answer(question, values, "file")
        assert (read.answer, read.mistakes) == (None, [])


def test_a_changed_value_keeps_its_kind_and_what_was_changed() -> None:
    question = TEXT.model_copy(update={"value": {"text": "a"}, "fields": {}})
    read = read_answer(question, {"decision": "edit", "value": '{"text": "b"}'}, "form")
    assert read.answer and read.answer.value == {"text": "b"}
    assert "-{" not in read.answer.difference and '+ "text": "b"' in read.answer.difference
    for value, words in {"{": "cannot be read as one", "[1]": "a list"}.items():
        [mistake] = read_answer(question, {"decision": "edit", "value": value}, "form").mistakes
        assert words in str(mistake)


def test_words_that_yaml_takes_for_truth_values_stay_words() -> None:
    fields = {"remark": GateField(type="text")}
    question = TEXT.model_copy(update={"fields": fields, "options": ("no", "yes")})
    read = read_answer(question, {"decision": "choose", "choice": False, "remark": True, "comment": False}, "file")
    assert read.answer, read.mistakes
    assert (read.answer.value, read.answer.fields["remark"], read.answer.comment) == ("no", "yes", "no")


def test_fields_alone_are_an_answer() -> None:
    read = read_answer(FIELDS, {"ok": "no"}, "file")
    assert read.answer and gate_output(FIELDS, read.answer) == {"ok": False}


def test_the_key_is_what_was_asked_and_shown() -> None:
    same = TEXT.model_copy(update={"round": 2, "who": "x", "timeout_seconds": 1, "on_timeout": "skip"})
    assert Question.model_validate(same.model_dump()).key == TEXT.key
    for change in ({"shown": {"draft": "other"}}, {"record_id": "s"}, {"question": "!"}, {"decide": ("approve",)}):
        assert Question.model_validate(TEXT.model_dump() | change).key != TEXT.key


@pytest.mark.parametrize("options_known", [True, False])
def test_a_verdict_is_changed_into_a_verdict(options_known: bool) -> None:
    read = read_answer(VERDICT, {"decision": "edit", "value": "polit"}, "file", options_known=options_known)
    assert [str(one) for one in read.mistakes] == [
        "'polit' is no verdict here; did you mean 'polite'?; there are rude, polite"
    ]
    assert read_answer(VERDICT, {"decision": "edit", "value": "polite"}, "file").answer
    spellings: list[JsonValue] = ["Polite ", "POLITE", ["polite", " Rude"]]
    for spelt in spellings:
        read = read_answer(VERDICT, {"decision": "edit", "value": spelt}, "file", options_known=False)
        assert read.answer and read.answer.value in ("polite", ["polite", "rude"]), spelt
    assert VERDICT.key == VERDICT.model_copy(update={"allowed": ()}).key, "what is allowed is no part of what is shown"
