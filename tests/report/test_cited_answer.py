"""A cited answer as its reader sees it: what is verified, with links, and what is not, with the nearest words."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from agents.support import NO_MODEL
from contract.findings import Citation, CitedAnswer, Claim, JudgedClaim, NearestWords, Source
from flows.cli.console import show_answer
from flows.report.answer_markdown import answer_markdown, notes_markdown

_FOUND = Citation(
    quote="the post was lawful", passage_id="a#text:0-9", record_id="a", title="Case A", section="text",
    uri="https://example.org/a", status="found",
)  # fmt: skip
_NEAREST = NearestWords(
    text="the post was unlawful then", passage_id="b#text:0-9", record_id="b", title="Case B", section="text",
    likeness=90,
)  # fmt: skip
_INVENTED = Citation(
    quote="the post was lawful then", passage_id="b#text:0-9", record_id="b", title="Case B", section="text",
    status="not_found", nearest=_NEAREST,
)  # fmt: skip


def _shown(answer: CitedAnswer) -> tuple[str, str]:
    show_answer(Console(file=(out := StringIO()), width=200), answer)
    return out.getvalue(), answer_markdown(answer)


def test_a_quotation_that_is_not_verified_is_shown_as_such_with_the_nearest_words() -> None:
    answer = CitedAnswer(
        question="When?", claims=(JudgedClaim(text="It was lawful.", citations=(_FOUND,), unverified=(_INVENTED,)),),
        dropped=(Claim(text="Invented.", citations=(_INVENTED,)),), abstained=False, summary="1 sentence.",
    )  # fmt: skip
    for text in _shown(answer):
        assert text.count("not verified: “the post was lawful then”") == 2
        assert text.count("“the post was unlawful then”") == 2
        assert "Not shown as an answer" in text


def test_a_document_without_a_title_is_named_once() -> None:
    untitled = {"title": "l4", "record_id": "l4"}
    found = _FOUND.model_copy(update={**untitled, "date": "1931"})
    invented = _INVENTED.model_copy(update={"nearest": _NEAREST.model_copy(update=untitled)})
    answer = CitedAnswer(
        question="When?", claims=(JudgedClaim(text="It was lawful.", citations=(found,), unverified=(invented,)),),
        not_used=(Source(**untitled), Source(**untitled, date="1932")), abstained=False, summary="1 sentence.",
    )  # fmt: skip
    for text in _shown(answer):
        assert "l4 (l4" not in text
        assert "l4 (1931), text" in text and "in l4, text" in text and "l4 (1932)" in text


@pytest.mark.parametrize(
    ("quote", "why"),
    [
        ("lawful then", "cut out of a word"),
        ("the post", "too short to prove anything"),
        ("the post was lawful then", "stands nowhere; nearest"),
    ],
)
def test_a_quotation_that_is_not_verified_is_not_said_to_stand_nowhere_where_its_letters_stand(
    quote: str, why: str
) -> None:
    invented = _INVENTED.model_copy(update={"quote": quote})
    answer = CitedAnswer(
        question="When?", dropped=(Claim(text="Invented.", citations=(invented,)),), abstained=True, summary="None."
    )
    for text in _shown(answer):
        assert f"“{quote}”, which" in text and why in text and "“the post was unlawful then”" in text


@pytest.mark.parametrize(
    ("why", "shown"),
    [
        (NO_MODEL, "`support` in the chosen `llms` names none"),
        ("`llms` and ``b`` <i> `[a](x)` *c", "`llms` and \\``b`\\` &lt;i&gt; \\`\\[a\\](x)\\` \\*c"),
    ],
)
def test_names_in_our_sentences_are_set_as_code_and_nothing_else_is_markup(why: str, shown: str) -> None:
    claim = JudgedClaim(text="So.", citations=(_FOUND,))
    answer = CitedAnswer(question="When?", claims=(claim,), abstained=False, summary="1.", support_not_judged=why)
    assert shown in answer_markdown(answer)
    assert shown in notes_markdown([why])


def test_the_documents_that_are_quoted_are_linked() -> None:
    answer = CitedAnswer(
        question="When?",
        claims=(JudgedClaim(text="It was lawful.", citations=(_FOUND,)),),
        abstained=False,
        summary="1.",
    )
    assert "[Case A (a), text](https://example.org/a)" in answer_markdown(answer)


def test_a_quotation_names_its_page_in_place_of_the_section_of_a_text_without_sections() -> None:
    cited = (_FOUND.model_copy(update={"locator": "p. 103", "uri": None}), _FOUND.model_copy(update={"uri": None}))
    answer = CitedAnswer(
        question="When?", claims=(JudgedClaim(text="It was lawful.", citations=cited),), abstained=False, summary="1."
    )
    for text in _shown(answer):
        places = [line.split("—")[1].strip() for line in text.splitlines() if "—" in line]
        assert places == ["Case A (a), p. 103", "Case A (a), text"]
    quoted = answer.model_dump(mode="json")["claims"][0]["citations"]
    assert [one.get("locator", "no field") for one in quoted] == ["p. 103", "no field"]


def test_a_quotation_from_one_of_equal_texts_names_the_others() -> None:
    cited = _FOUND.model_copy(update={"uri": None, "also_in": ("b", "c", "d", "e")})
    answer = CitedAnswer(
        question="When?", claims=(JudgedClaim(text="So.", citations=(cited,)),), abstained=False, summary="1."
    )
    for text in _shown(answer):
        assert "Case A (a), text; also in b, c, d and 1 more" in text


@pytest.mark.parametrize(
    ("text", "own_words"),
    [
        ("{quote}", ""), ("“{quote}”", ""), ("In '{title}' (2021-02-12), under 'reasons': {quote}", ""),
        ("The Board held this: {quote}", "The Board held this"), ("It was lawful.", "It was lawful."),
        ("{quote} So it was.", "So it was."),
    ],
)  # fmt: skip
def test_no_sentence_stands_twice(text: str, own_words: str) -> None:
    sentence = text.format(quote=_FOUND.quote, title=_FOUND.title)
    answer = CitedAnswer(
        question="When?", claims=(JudgedClaim(text=sentence, citations=(_FOUND,)),), abstained=False, summary="1."
    )
    for shown in _shown(answer):
        assert own_words in shown and ("under 'reasons'" in shown) is False
        assert shown.count(_FOUND.quote) == 1 + (bool(own_words) and "{quote}" in text)
        assert shown.count("Case A") == 1
