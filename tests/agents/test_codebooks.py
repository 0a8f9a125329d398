"""A codebook: read from a criterion's front matter, asked for in one schema, and its answers checked one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from agents.base.codes import codebook_schema, coded_fields, read_codes
from agents.base.structured_agent import InvalidReply
from agents.evidence.record_quotes import RecordTexts
from agents.prompting.codebook import CodebookMistakes
from agents.prompting.criteria import Criteria, Criterion
from contract.codebook import Codebook
from contract.judgements import CodebookReply
from contract.record import Record

CODEBOOK = """\
codebook:
  tone: {type: choice, options: {hostile: It attacks., friendly: It likes.}, positive: hostile}
  topics: {type: choices, options: [work, food]}
  sarcastic: yes_no
  people: {type: number, minimum: 0}
  gist: text
  words: quotation
examples:
  - text: They steal our work.
    codes: {tone: hostile, topics: work, sarcastic: no}
"""
TEXT = "Two newcomers bake the best bread."


def read(tmp_path: Path, front: str) -> Criterion:
    (tmp_path / "criteria").mkdir(exist_ok=True)
    (tmp_path / "criteria" / "framing.md").write_text(f"---\ntitle: Framing\n{front}---\nHow it speaks.\n")
    return Criteria([tmp_path]).get("framing")


def codebook(tmp_path: Path) -> Codebook:
    found = read(tmp_path, CODEBOOK).codebook
    assert found is not None
    return found


def reply(**values: Any) -> CodebookReply:
    answers = {
        "tone": "friendly", "topics": ["food"], "sarcastic": "no", "people": 2, "gist": None, "words": ["best bread"],
        **values,
    }  # fmt: skip
    return CodebookReply.model_validate({
        "codes": {
            name: {"reason": "So it says.", "uncertainty": "low", "quotes": ["Two newcomers"], "value": value}
            for name, value in answers.items()
        }
    })  # fmt: skip


def test_answers_are_typed_and_each_has_its_own_checked_quotations(tmp_path: Path) -> None:
    check = RecordTexts.from_record(Record(record_id="a", text=TEXT)).check_quote
    codes = read_codes(reply(topics=["food", "work"], words=["best bread", "worst cake"]), codebook(tmp_path), check)
    values = {name: code.value for name, code in codes.items()}
    assert values == {
        "tone": "friendly", "topics": ("work", "food"), "sarcastic": "no", "people": 2.0, "gist": None,
        "words": ("best bread", "worst cake"),
    }  # fmt: skip
    assert [quote.status for quote in codes["words"].quotes] == ["found", "not_found"]
    assert [quote.status for quote in codes["tone"].quotes] == ["found"]
    fields = coded_fields(codebook(tmp_path), codes)
    assert fields["verdict"].startswith("tone: friendly; topics: work; food; sarcastic: no; people: 2; gist: not told")


def test_an_answer_that_is_not_allowed_is_told_to_the_model(tmp_path: Path) -> None:
    wrong = reply(tone="grim", people=-1, sarcastic=True)
    with pytest.raises(InvalidReply) as raised:
        read_codes(wrong, codebook(tmp_path), lambda _: ())
    assert str(raised.value).split("; ") == [
        "codes.tone.value: 'grim' is none of hostile, friendly",
        "codes.sarcastic.value: 'True' is none of yes, no",
        "codes.people.value: -1 is less than 0",
    ]


def test_the_schema_allows_what_the_codebook_allows(tmp_path: Path) -> None:
    schema: Any = codebook_schema(codebook(tmp_path))
    sent: Any = reply().model_dump(mode="json")
    del sent["codes"]["words"]["quotes"]
    jsonschema.validate(sent, schema)
    for name, value in {"tone": "grim", "topics": ["rain"], "people": "two", "sarcastic": True}.items():
        broken: Any = {"codes": {**sent["codes"], name: {**sent["codes"][name], "value": value}}}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)


def test_words_of_yaml_that_mean_true_and_false_stay_words(tmp_path: Path) -> None:
    assert codebook(tmp_path).examples[0].codes["sarcastic"] == "no"


def test_mistakes_are_told_with_their_lines_all_at_once(tmp_path: Path) -> None:
    front = """\
codebook:
  tone: {type: choise, options: [a, b]}
  topics: {type: choices, options: [work, "a; b"]}
  mood: {type: choice, options: [good]}
  people: {type: number, minimun: 0, maximum: many}
  2nd: yes_no
examples:
  - text: So.
    codes: {topics: wrok, toppics: work}
verdicts: [a, b]
"""
    with pytest.raises(CodebookMistakes) as raised:
        read(tmp_path, front)
    told = [str(one).removeprefix(f"{tmp_path}/criteria/framing.md:") for one in raised.value.mistakes]
    lines = [int(one.partition(":")[0]) for one in told]
    assert sorted(lines) == [4, 5, 6, 7, 7, 8, 11, 12]
    assert any("did you mean 'choice'?" in one for one in told)
    assert any("did you mean 'minimum'?" in one for one in told)
    assert any("did you mean 'topics'?" in one for one in told)


def test_a_criterion_without_a_codebook_has_the_digest_that_it_had() -> None:
    plain = Criterion(name="rude", title="Rude", text="No rude words.")
    assert plain.digest == "78231f6852d320dc385172f547f6e72a4ea6b759ce59327b1bc04ab6226db36d"
    assert "codebook" not in plain.model_dump()
