"""Quotations: verbatim or not shown."""

from __future__ import annotations

import hashlib

import pytest

from agents.evidence.citations import QuotablePassages, check_answer
from agents.evidence.quotable_text import QuotableText
from contract.findings import Citation, Claim, Passage, ResearchAnswer
from contract.record import Locator


def passage(text: str, name: str = "a") -> Passage:
    return Passage(
        passage_id=f"{name}#text:0-{len(text)}", record_id=name, title=f"Title {name}", section="text", text=text,
        start=0, end=len(text), content_hash=hashlib.sha256(text.encode()).hexdigest(), date="2021-01-28",
    )  # fmt: skip


def citation(quote: str, of: Passage) -> Citation:
    return Citation(quote=quote, passage_id=of.passage_id, record_id="x", title="made up", section="x")


def find_quote(quote: str, text: str) -> str | None:
    found = QuotableText(text).find(quote)
    return text[found[0] : found[1]] if found else None


def check_citation(given: Citation, passages: list[Passage]) -> Citation:
    [checked] = QuotablePassages(passages).check_citation(given)
    return checked


TEXT = "The Board’s “newsworthiness” allowance  should\nhave kept political protest speech up — it was cafe\u0301 talk."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("allowance should have kept", "allowance  should\nhave kept"),
        ('The Board\'s "newsworthiness" allowance', "The Board’s “newsworthiness” allowance"),
        ('"political protest speech"', "political protest speech"),
        ("...political protest speech up...", "political protest speech up"),
        ("speech up - it was café talk", "speech up — it was cafe\u0301 talk"),
        ("political pro\u2060test speech", "political protest speech"),
        ("have kept political protest.", "have kept political protest"),
        ("political protest speech down", None),
        ("Political Protest Speech", None),
        ("allowance should not have kept", None),
        ("litical protest speech", None),
        ("political protest spee", None),
        ("", None),
    ],
)
def test_a_quotation_is_found_only_word_for_word(quote: str, found: str | None) -> None:
    assert find_quote(quote, TEXT) == found


@pytest.mark.parametrize(
    ("quote", "text", "shown"),
    [
        ("AT&T said “no” & left", "AT&amp;T said &#8220;no&#8221; &amp; left.",
         "AT&amp;T said &#8220;no&#8221; &amp; left"),
        ("Salt & vermin were there", "Salt &amp vermin were there", "Salt &amp vermin were there"),
        ("Salt & vermin", "Salt &amp", None),
        ("x=1&lt=5 is a link", "x=1&lt=5 is a link", "x=1&lt=5 is a link"),
        ("AT&amp;T said no and left", "Then AT&T said no and left.", "AT&T said no and left"),
        ("5 < 6 is what it said", "5 &amp;lt; 6 is what it said", "5 &amp;lt; 6 is what it said"),
        ("The committee rejected the well-known rule",
         "The com-\nmittee rejec-\nted the well-\nknown rule.", "The com-\nmittee rejec-\nted the well-\nknown rule"),
        ("The com-\nmittee has rejected", "The committee has rejected it.", "The committee has rejected"),
        ("it was rejected today", "And it was rejec\u00adted today", "it was rejec\u00adted today"),
        ("it was rejected today", "And it was rejec\ufffe\nted today", "it was rejec\ufffe\nted today"),
        ("the final office decision", "So the ﬁnal oﬃce decision.", "the ﬁnal oﬃce decision"),
        ("the Board upheld it", "The decision—the Board upheld it.", "the Board upheld it"),
        ("had lost money and that the boiler",
         "It had lost money and\n- 112 -\n\nMinutes of the Council, vol. III\nthat the boiler.",
         "had lost money and\n- 112 -\n\nMinutes of the Council, vol. III\nthat the boiler"),
        ("had lost money and that the boiler", "It had lost money and\n\f112\nthat the boiler.",
         "had lost money and\n\f112\nthat the boiler"),
        ("der geschriebene Satz", "So der ge¬\nschriebene Satz.", "der ge¬\nschriebene Satz"),
        ("불법이다 이 결정은", "\u1107\u116e\u11af\u1107\u1165\u11b8이다 이 결정은",
         "\u1107\u116e\u11af\u1107\u1165\u11b8이다 이 결정은"),
        ("灯塔的提案为什么被否决了", "于是灯塔的提案为什么被否决了呢", "灯塔的提案为什么被否决了"),
        ("灯塔的提案，为什么被否决了", "于是灯塔的\n提案，\n　为什么被 否决了呢", "灯塔的\n提案，\n　为什么被 否决了"),
        ("その投稿は削除された。", "さて、その投\n稿は削除\nされた。", "その投\n稿は削除\nされた。"),
        ("โพสต์ถูกลบแล้ว", "และโพสต์\nถูกลบแล้ว", "โพสต์\nถูกลบแล้ว"),
        ("カタカナ", "ここに カタカナ ワード がある。", "カタカナ"),
        ("違反のはずの投稿は", "違反のはずの投稿はずっと残っていた。", "違反のはずの投稿は"),
        ("lawful or not at all", "The state we live in—lawful or not at all.", "lawful or not at all"),
        # Vowel signs, and words that are drawn longer.
        ("قرر المجلس حذف المنشور", "قَرَّرَ الْمَجْلِسُ حَذْفَ الْمَنْشُورِ.", "قَرَّرَ الْمَجْلِسُ حَذْفَ الْمَنْشُورِ"),
        ("حذف المنشور فوراً", "قرر حذف المنشـــور فورا.", "حذف المنشـــور فورا"),
        ("המועצה החליטה", "הַמּוֹעָצָה הֶחְלִיטָה לְהָסִיר.", "הַמּוֹעָצָה הֶחְלִיטָה"),
        ("the Board held that it was so.", "So the Board held¹² that it was so.³", "the Board held¹² that it was so.³"),
        ("it was sent in 1931 to them", "So it was sent in 1931² to them.", "it was sent in 1931² to them"),
        ("nobody had wished it at all", "For nobody had wished it⁷ at all.", "nobody had wished it⁷ at all"),
        ("the ferry had lost money", "So the ferry* had† lost money.", "the ferry* had† lost money"),
        ("the ferry, too, lost money", "So the ferry, too,** lost money.", "the ferry, too,** lost money"),
        ("300 people came to it", "In 2019 300 people came to it.", "300 people came to it"),
        ("40 people came to it", "On page 12 40 people came to it.", "40 people came to it"),
        ("10 000 dollars were paid", "In all 10\u202f000 dollars were paid.", "10\u202f000 dollars were paid"),
        # A mark at the end is shown, in case that it means something.
        ("then the Board held", "And then the Board held¹² on.", "then the Board held¹²"),
        ("-5 percent of them", "It fell by -5 percent of them, says the com-\nmittee.", "-5 percent of them"),
        # Markup of the source, and of a model.
        ("line one line two now", "So line one<br>line two now.", "line one<br>line two now"),
        ("The post was removed", "The <b>post</b> was removed.", "The <b>post</b> was removed"),
        ("The post was removed", "The **post** was removed.", "The **post** was removed"),
        ("The **post** was removed", "The post was removed.", "The post was removed"),
        ("and the men agreed to it", "Then and the men [p. 12] agreed to it.", "and the men [p. 12] agreed to it"),
        ("So 5 * 3 and 2 * 6 is all", "So 5 * 3 and 2 * 6 is all of it.", "So 5 * 3 and 2 * 6 is all"),
        # Line ends of other prints, and those that were lost.
        ("the committee met today", "So the com- mittee met today.", "the com- mittee met today"),
        ("the committee met today", "So the com¬mittee met today.", "the com¬mittee met today"),
        ("der geschriebene Satz", "So der ge⸗\nschriebene Satz.", "der ge⸗\nschriebene Satz"),
        ("they are all bad people", "I hate them- they are all bad people", "they are all bad people"),
        ("and outgoing mail of men", "The in- and outgoing mail of men.", "and outgoing mail of men"),
        # Marks that writers and models change.
        ("The post was 'removed' by it", 'The post was "removed" by it.', 'The post was "removed" by it'),
        ('The post was "removed" by it', "The post was ``removed'' by it.", "The post was ``removed'' by it"),
        ("people—said it was so", "Some people--said it was so.", "people--said it was so"),
        ("[T]he post was removed", "Here the post was removed.", "the post was removed"),
        ("I believe [i]t is hateful", "I believe It is hateful.", "I believe It is hateful"),
        ("the pst [sic] was removed", "So the pst was removed.", "the pst was removed"),
        ("He wrote\\nthe letter home", "He wrote\nthe letter home.", "He wrote\nthe letter home"),
        ('he said \\"go home\\" twice', 'Then he said "go home" twice.', 'he said "go home" twice'),
    ],
)  # fmt: skip
def test_true_quotations_are_found_and_shown_as_the_source_has_them(quote: str, text: str, shown: str) -> None:
    assert find_quote(quote, text) == shown


_LONG = "The Board went on to other matters. " * 10


@pytest.mark.parametrize(
    ("quote", "text", "shown"),
    [
        # What is left out of a sentence is put back.
        ("The Board did […] find that the post was hateful", "The Board did not find that the post was hateful.",
         ["The Board did not find that the post was hateful"]),
        ("The Board did ... find that the post was hateful", "The Board did not find that the post was hateful.",
         ["The Board did not find that the post was hateful"]),
        # Whole sentences may be left out; half ones on both sides are made whole.
        ("The post was removed [...] the appeal was heard",
         f"The post was removed too late. {_LONG}It is not true that the appeal was heard.",
         ["The post was removed too late.", "It is not true that the appeal was heard"]),
        ("The appeal was heard […] The post was removed", f"The post was removed. {_LONG}The appeal was heard.", []),
        ("The Board upheld the removal […] It found the rule unclear",
         "The Board upheld the removal. The post was long. It found the rule unclear.",
         ["The Board upheld the removal.", "It found the rule unclear"]),
        ("The post was […] found to be hateful", f"The post was {'not, ' * 200}found to be hateful.", []),
        # No abbreviation ends a sentence, and neither does a page.
        ("The Board held that […] Roe, lie to the committee",
         "The Board held that Mr. Smith did not, in Doe v. Roe, lie to the committee.",
         ["The Board held that Mr. Smith did not, in Doe v. Roe, lie to the committee"]),
        ("The U.S. Court did […] Senate found the rule unclear",
         "The U.S. Court did not, e.g. Art. 5, say that the U.S. Senate found the rule unclear.",
         ["The U.S. Court did not, e.g. Art. 5, say that the U.S. Senate found the rule unclear"]),
        ("The Board did […] post was hateful at all",
         "The Board did\n\n- 12 -\n\nJUDGMENT\n\nnot find that the\n\n- 13 -\n\nJUDGMENT\n\npost was hateful at all.",
         ["The Board did\n\n- 12 -\n\nJUDGMENT\n\nnot find that the\n\n- 13 -\n\nJUDGMENT\n\npost was hateful at all"]),
        ("委员会删除了帖子[…]规则不清楚", "委员会删除了帖子。帖子很长。规则不清楚。",
         ["委员会删除了帖子。", "规则不清楚"]),
        ("The post was removed […] words of nobody", f"The post was removed. {_LONG}", []),
        *(
            (f"The Board did {mark} find that it was hateful", "The Board did not find that it was hateful.",
             ["The Board did not find that it was hateful"])
            for mark in (". . .", "[. . .]", "[....]", "<...>", "[—]", "… …")
        ),
    ],
)  # fmt: skip
def test_an_omission_makes_two_quotations_and_hides_no_part_of_a_sentence(
    quote: str, text: str, shown: list[str]
) -> None:
    assert [text[start:end] for start, end in QuotableText(text).find_parts(quote)] == shown


def test_a_citation_takes_its_source_from_the_passage_and_not_from_the_model() -> None:
    source = passage("Nothing in the posts was sexual solicitation.")
    checked = check_citation(citation("Nothing in the posts was sexual solicitation", source), [source])
    assert (checked.status, checked.record_id, checked.title, checked.date) == ("found", "a", "Title a", "2021-01-28")


def test_words_of_another_passage_are_misattributed() -> None:
    first, second = passage("It was political rhetoric only."), passage("About 40 moderators had missed it.", "b")
    checked = check_citation(citation("About 40 moderators had missed it", first), [first, second])
    assert (checked.status, checked.found_in) == ("misattributed", second.passage_id)


def test_words_of_another_passage_of_the_same_document_are_attributed_there() -> None:
    first, second = passage("It was political rhetoric only."), passage("About 40 moderators had missed it.")
    checked = check_citation(citation("About 40 moderators had missed it", first), [first, second])
    assert (checked.status, checked.passage_id) == ("found", second.passage_id)


SECTION = (
    "The Board did not uphold the removal. It was no threat.\n\nThe mayor had said nothing of the kind to anybody."
)


def part(start: int, end: int, page: str = "p. 1") -> Passage:
    text = SECTION[start:end]
    whole = passage(text).model_copy(update={"start": start, "end": end, "passage_id": f"a#text:{start}-{end}"})
    return whole.model_copy(update={"locators": (Locator(start=0, name=page),)})


_THREAT, _MAYOR = "It was no threat.", "The mayor had said nothing"


@pytest.mark.parametrize(
    ("cuts", "quote", "shown"),
    [
        ([(0, 55), (57, 107)], f"{_THREAT} {_MAYOR}", (f"{_THREAT}\n\n{_MAYOR}", "pp. 1–2")),
        ([(0, 55), (38, 107)], f"the removal. {_THREAT} {_MAYOR}", (f"the removal. {_THREAT}\n\n{_MAYOR}", "p. 1")),
        ([(57, 107), (0, 55)], f"{_THREAT} {_MAYOR}", (f"{_THREAT}\n\n{_MAYOR}", "pp. 2–1")),
        ([(0, 55), (57, 107)], f"It was a threat. {_MAYOR}", None),
        ([(0, 37), (57, 107)], f"uphold the removal. {_MAYOR}", None),
    ],
)  # fmt: skip
def test_a_quotation_may_go_on_into_the_next_passage_of_its_document(
    cuts: list[tuple[int, int]], quote: str, shown: tuple[str, str] | None
) -> None:
    # The second page begins with the second passage, or the passages overlap on the first.
    passages = [part(start, end, f"p. {number}") for number, (start, end) in enumerate(cuts, start=1)]
    answer = ResearchAnswer(question="?", claims=(Claim(text="So.", citations=(citation(quote, passages[1]),)),))
    once = check_answer(answer, passages)
    # Answers are checked again before they are shown.
    for checked in (once, check_answer(once, passages)):
        found = [(one.quote, one.locator) for claim in checked.claims for one in claim.citations]
        assert found == ([shown] if shown else [])


def test_words_with_a_label_that_names_nothing_belong_to_the_one_document_that_holds_them() -> None:
    one, other = passage("It was political rhetoric only."), passage("About 40 moderators had missed it.", "b")
    unlabelled = citation("About 40 moderators had missed it", one).model_copy(update={"passage_id": "P99"})
    assert check_citation(unlabelled, [one, other]).record_id == "b"
    twice = passage("Once more: about it, About 40 moderators had missed it.", "c")
    assert check_citation(unlabelled, [one, other, twice]).status == "misattributed"


def test_a_quotation_that_stands_nowhere_names_the_nearest_words() -> None:
    source = passage("Nothing was decided. The committee rejected the proposal after a long debate on its cost.")
    checked = check_citation(citation("The committee accepted the proposal after a debate", source), [source])
    assert checked.status == "not_found"
    assert checked.nearest is not None
    assert "The committee rejected the proposal after a long debate" in checked.nearest.text
    assert check_citation(citation("Quarks dazzle, zephyrs buzz", source), [source]).nearest is None


def test_a_label_of_no_passage_is_not_found() -> None:
    source = passage("It was political rhetoric only.")
    unknown = citation("words that stand nowhere", source).model_copy(update={"passage_id": "P99"})
    assert check_citation(unknown, [source]).status == "not_found"


def test_claims_without_a_verified_quotation_are_dropped_and_kept_on_record() -> None:
    source = passage("It was political rhetoric only.")
    good = Claim(
        text="Rhetoric.", citations=(citation("political rhetoric only", source), citation("invented words", source))
    )
    bad = Claim(text="Invented.", citations=(citation("nobody ever said so", source),))
    checked = check_answer(ResearchAnswer(question="?", claims=(good, bad)), [source])
    assert [claim.text for claim in checked.claims] == ["Rhetoric."]
    assert [one.quote for one in checked.claims[0].citations] == ["political rhetoric only"]
    assert [one.quote for one in checked.claims[0].unverified] == ["invented words"]
    assert [claim.text for claim in checked.dropped] == ["Invented."]
    assert check_answer(checked, [source]) == checked


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ("no", "They said no.", (10, 12)),
        ("No", "They said no.", None),
        ("the", "They said no.", None),
        ("said  no", "They said no.", (5, 12)),
        ("no", "They said no. " * 60, None),
        ("said no. They", "They said no. " * 60, (5, 18)),
        ("🐝", "Hello 🐝!", (6, 7)),
        ("", "They said no.", None),
        ("...", "They said no...", None),
    ],
)
def test_short_words_count_in_short_texts_only(quote: str, text: str, found: tuple[int, int] | None) -> None:
    assert QuotableText(text).find(quote) == found


@pytest.mark.parametrize(
    "heading", ["Title b (2021-01-28), text: ", "Title b, text: ", "Title  b (May 2021),\ntext:\n", "text: "]
)
def test_a_heading_that_was_copied_with_the_words_is_no_part_of_the_quotation(heading: str) -> None:
    one, other = passage("Nothing of the kind stands in this one."), passage(TEXT, "b")
    cited = citation(heading + "have kept political protest speech up", other if heading == "text: " else one)
    checked = check_citation(cited, [one, other])
    assert (checked.status, checked.record_id, checked.quote) == ("found", "b", "have kept political protest speech up")


@pytest.mark.parametrize("before", ["Title c (2021-01-28), text: ", "Title b, reasons: ", "It says: ", "Title b: "])
def test_other_words_before_a_quotation_are_no_heading(before: str) -> None:
    other = passage(TEXT, "b")
    assert (
        check_citation(citation(before + "have kept political protest speech up", other), [other]).status == "not_found"
    )


def test_a_heading_alone_and_words_behind_it_that_are_none_prove_nothing() -> None:
    other = passage(TEXT, "b")
    for quote in ("Title b, text: ", "Title b, text: litical protest speech", "text: up"):
        assert check_citation(citation(quote, other), [other]).status == "not_found"


def test_a_text_that_itself_begins_so_is_quoted_whole() -> None:
    other = passage("text: have kept political protest speech up")
    assert check_citation(citation("text: have kept political protest", other), [other]).quote.startswith("text: ")
