"""What a coder sees and what is kept of it, without JavaScript: the pages alone."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from contract.record import Record
from flows.coding.answer_log import read_answers
from flows.coding.desk import Item
from tests.support.coding import CRITERION, Coder, coder_of, coding_pages, form_fields, make_coding

NUMBERS = re.compile(r"text number (\d+)")


def test_two_coders_answer_everything_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    make_coding(tmp_path)
    orders = dict[str, list[str]]()
    with coding_pages(tmp_path) as (_, access, client):
        for name in ("ana", "ben"):
            coder = coder_of(access, client, name)
            pages = [coder.get(f"/{place}") for place in range(1, 6)]
            orders[name] = [NUMBERS.findall(page)[0] for page in pages]
            for place in range(1, 5):
                coder.answer(place, "rude" if place % 2 else "polite")
            assert "All answered" in coder.answer(5, "rude")
    assert sorted(orders["ana"]) == sorted(orders["ben"]) == ["1", "2", "3", "4", "5"]
    assert orders["ana"] != orders["ben"], "each coder has an order of their own"
    kept = list(read_answers(tmp_path))
    assert len(kept) == 10 and len({(one.coder, one.key) for one in kept}) == 10
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 10


def test_a_form_that_is_sent_twice_is_one_answer(tmp_path: Path) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (_, access, client):
        ana = coder_of(access, client, "ana")
        for _ in range(2):
            ana.answer(1, "rude", answer_id="a-form-sent-twice")
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 1


def test_a_page_that_the_browser_has_kept_saves_what_is_changed_on_it(tmp_path: Path) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (desk, access, client):
        ana, ben = coder_of(access, client, "ana"), coder_of(access, client, "ben")
        first, key = form_fields(ana.get("/1")), desk.items("ana")[0].key

        def send(coder: Coder, place: int, verdict: str) -> int:
            data = {**first, "verdict": verdict}
            return client.post(f"{coder.base}/{place}", data=data, follow_redirects=False).status_code

        said = ("rude", "polite", "rude", "polite", "polite")
        assert [send(ana, 1, verdict) for verdict in said] == [303] * 5
        assert desk.state("ana").current[key].verdict == "polite" and len(desk.state("ana").history) == 4
        client.post(f"{ana.base}/undo")
        client.post(f"{ana.base}/undo")
        client.post(f"{ana.base}/undo")
        client.post(f"{ana.base}/undo")
        assert not desk.state("ana").current
        assert send(ana, 1, "rude") == 303 and desk.state("ana").current[key].verdict == "rude", "after an undo, too"
        assert send(ana, 2, "rude") == 422 and len(desk.state("ana").current) == 1, "a form of another page"
        [place] = [item.place for item in desk.items("ben") if item.key == key]
        assert send(ben, place, "polite") == 303 and desk.state("ben").current[key].verdict == "polite"


def test_undo_brings_back_the_answer_before(tmp_path: Path) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (desk, access, client):
        ana = coder_of(access, client, "ana")
        ana.answer(1, "rude")
        ana.answer(1, "polite")
        key = desk.items("ana")[0].key
        assert desk.state("ana").current[key].verdict == "polite"
        page = client.post(f"{ana.base}/undo").text
        assert desk.state("ana").current[key].verdict == "rude" and "checked" in page
        client.post(f"{ana.base}/undo")
        assert not desk.state("ana").current
        assert client.post(f"{ana.base}/undo").status_code == 200
    assert not list(read_answers(tmp_path)), "read again from the file, an undo holds too"
    assert len((tmp_path / "answers.jsonl").read_text().splitlines()) == 4, "nothing is ever removed"


def test_quotations_are_looked_up_and_kept_with_their_place(tmp_path: Path) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (desk, access, client):
        ana = coder_of(access, client, "ana")
        page = ana.answer(1, "rude", status=422, quotes="words that nobody wrote", reason="as I say")
        assert "do not stand in the record" in page and "as I say" in page and "words that nobody wrote" in page
        assert "cuts a word; the whole words are “text”" in ana.answer(1, "rude", status=422, quotes="ext")
        assert not desk.state("ana").current
        ana.answer(1, "rude", quotes="which says\u00a0something\n“This is the text”")
        [answer] = desk.state("ana").history
    text = desk.items("ana")[0].drawn.record.text
    assert [(one.quote, one.status) for one in answer.quotes] == [
        ("which says something", "found"),
        ("This is the text", "found"),
    ]
    assert all(text[one.start : one.end] == one.quote for one in answer.quotes)


def test_cannot_decide_unclear_reason_and_time(tmp_path: Path) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (desk, access, client):
        ana = coder_of(access, client, "ana")
        ana.answer(1, "cannot decide", unclear_note="Is irony an insult?", active="1.5", opened=f"{time.time() - 4}")
        ana.answer(2, "rude", opened=f"{time.time() - 60}")
        first, second = desk.state("ana").history
    assert (first.verdict, first.unclear, first.unclear_note) == (None, True, "Is irony an insult?")
    assert (first.seconds, first.timed) == (1.5, "active")
    assert second.timed == "elapsed" and second.seconds and 60 <= second.seconds < 70


def test_a_long_list_of_answers_is_divided_into_pages(tmp_path: Path) -> None:
    make_coding(
        tmp_path, [Record(record_id=f"r{one}", text=f"This is the text number {one}.") for one in range(10_000)]
    )
    with coding_pages(tmp_path) as (desk, access, client):
        ana = coder_of(access, client, "ana")
        assert "Answers after" not in ana.answer(1, "rude"), "a page alone needs no links to others"
        [first] = desk.state("ana").history
        others = [
            first.model_copy(update={"answer_id": f"a{item.place}", "record_id": item.drawn.record_id})
            for item in desk.items("ana")[1:]
        ]
        desk.log.append_all(others)
        pages = [ana.get("/answers"), *(ana.get(f"/answers/{number}") for number in (2, 100))]
        listed = [re.findall(rf'<th scope="row"><a href="{ana.base}/(\d+)"', page) for page in pages]
        assert [(int(one[0]), int(one[-1]), len(one)) for one in listed] == [
            (1, 100, 100), (101, 200, 100), (9901, 10_000, 100),
        ]  # fmt: skip
        assert (
            'rel="prev"' not in pages[0] and f'<a href="{ana.base}/answers/2" rel="next">Answers after</a>' in pages[0]
        )
        assert f'<a href="{ana.base}/answers/1" rel="prev">Answers before</a>' in pages[1]
        assert 'rel="next"' not in pages[2] and "Page 100 of 100, places 9901 to 10000" in pages[2]
        assert 'aria-label="Pages of answers"' in pages[2] and "10000 of 10000 answered" in pages[2]
        assert [client.get(f"{ana.base}/answers/{wrong}").status_code for wrong in (0, 101)] == [404, 404]
        assert max(map(len, pages)) < 100_000, "what takes time is the number of rows"


@pytest.mark.parametrize("verdict", ["", "violates", "rude "])
def test_a_verdict_that_the_criterion_does_not_have_is_refused(tmp_path: Path, verdict: str) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (desk, access, client):
        assert "Choose one of these" in coder_of(access, client, "ana").answer(1, verdict, status=422)
        assert not desk.state("ana").current


def test_texts_are_masked_until_asked_for(tmp_path: Path) -> None:
    make_coding(tmp_path, warning="Hard to read.")
    with coding_pages(tmp_path) as (_, access, client):
        ana = coder_of(access, client, "ana")
        page = ana.get("/1")
        assert "Hard to read." in page and '<details id="masked">' in page
        client.post(f"{ana.base}/show?at=1")
        assert '<details id="masked">' not in ana.get("/2")
        client.post(f"{ana.base}/show")
        assert '<details id="masked">' in ana.get("/2")


def test_a_coder_sees_neither_metadata_nor_ground_truth_nor_ids(tmp_path: Path) -> None:
    record = Record(
        record_id="hateful-7", text="Words.", metadata={"kind": "dehumanising"}, ground_truth={"violating": True}
    )
    make_coding(tmp_path, [record])
    with coding_pages(tmp_path) as (_, access, client):
        page = coder_of(access, client, "ana").get("/1")
    assert "Words." in page
    assert not any(hidden in page for hidden in ("dehumanising", "violating", "hateful-7"))
    assert "dehumanising" not in (tmp_path / "records.jsonl").read_text()


def test_half_a_line_that_a_kill_has_left_is_no_answer_and_spoils_none(tmp_path: Path) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (_, access, client):
        coder_of(access, client, "ana").answer(1, "rude")
    whole = (tmp_path / "answers.jsonl").read_text()
    (tmp_path / "answers.jsonl").write_text(whole + whole[: len(whole) // 2])
    with coding_pages(tmp_path) as (desk, access, client):
        assert desk.log.answers.torn_lines == [2]
        coder_of(access, client, "ana").answer(2, "polite")
    kept = list(read_answers(tmp_path))
    assert [one.verdict for one in kept] == ["rude", "polite"]


def test_a_page_takes_less_than_a_tenth_of_a_second_with_ten_thousand_records(tmp_path: Path) -> None:
    make_coding(tmp_path, [Record(record_id=f"r{n}", text=f"Text {n}.") for n in range(10_000)])
    with coding_pages(tmp_path) as (desk, access, client):
        ana = coder_of(access, client, "ana")
        ana.answer(1, "rude")
        took = list[float]()
        for place in range(2, 12):
            began = time.process_time()
            ana.get(f"/{place}")
            took.append(time.process_time() - began)
        assert len(desk.items("ana")) == 10_000
    # Processor time, as other programs of the machine are none of the page's business.
    assert sorted(took)[len(took) // 2] < 0.1


def test_no_page_looks_at_every_record_when_nearly_all_are_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_coding(tmp_path, [Record(record_id=f"r{n}", text=f"Text {n}.") for n in range(1_000)])
    looked_at, key = list[int](), Item.key.fget
    assert key is not None
    with coding_pages(tmp_path) as (desk, access, client):
        ana = coder_of(access, client, "ana")
        ana.answer(1, "rude")
        given = desk.state("ana").history[0]
        desk.log.append_all([
            given.model_copy(update={"answer_id": f"a{item.place}", "record_id": item.drawn.record_id})
            for item in desk.items("ana")[1:990]
        ])  # fmt: skip
        monkeypatch.setattr(Item, "key", property(lambda item: (looked_at.append(item.place), key(item))[1]))
        assert "992 of 1000" in ana.answer(991, "polite")
        assert desk.answered("ana") == 991
    assert 991 in looked_at and len(looked_at) < 50, len(looked_at)


def test_the_first_page_of_a_coder_waits_for_no_ordering(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_coding(tmp_path)
    with coding_pages(tmp_path) as (_, access, client):
        # Whatever is put in order from now on would keep a coder waiting.
        monkeypatch.delattr("flows.coding.desk.items_in_order")
        assert "says something" in coder_of(access, client, "ben").get("/1")


def test_the_criterion_is_shown_without_the_line_ends_of_its_file(tmp_path: Path) -> None:
    from flows.report.words import join_lines

    assert (
        join_lines("One\nparagraph:\n\n1. first\n2. second\ngoes on") == "One paragraph:\n\n1. first\n2. second goes on"
    )
    assert CRITERION.text in join_lines(CRITERION.text)
