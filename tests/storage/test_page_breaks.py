"""Pages joined to one text: running heads and page numbers are left out, and sentences go on."""

from __future__ import annotations

from flows.storage.page_breaks import join_pages
from flows.storage.page_numbers import printed_numbers


def test_a_sentence_goes_on_over_a_page_break_with_running_head_and_number() -> None:
    pages = [
        "Minutes of the Board, 1912\nThe meeting began at ten.\n\nThe committee has rejec-\n- 111 -",
        "Minutes of the Board, 1913\nted the proposal for want\n- 112 -",
        "Minutes of the Board, 1913\nof money. It closed.\n- 113 -",
    ]
    joined = join_pages(pages)
    assert (
        joined.text
        == "The meeting began at ten.\n\nThe committee has rejec-\nted the proposal for want\nof money. It closed."
    )
    assert joined.left_out == ["Minutes of the Board, 1912", "- 111 -"]


def test_lines_that_are_not_repeated_stay_and_a_short_document_is_left_as_it_is() -> None:
    pages = ["Chapter one\nIt began.", "Then it went on.\n7 days later", "At last it ended."]
    joined = join_pages(pages)
    text = "Chapter one\nIt began.\n\nThen it went on.\n7 days later\nAt last it ended."
    assert (joined.text, joined.left_out) == (text, [])
    assert [text[start:].split()[0] for start in joined.starts.values()] == ["Chapter", "Then", "At"]
    assert join_pages(["Head\nOne.", "Head\nTwo."]).text == "Head\nOne.\n\nHead\nTwo."
    assert dict(join_pages(["One.", "", "Two."]).starts) == {0: 0, 2: 6}


def _numbers(*pages: str) -> list[str | None]:
    found = printed_numbers(pages)
    return [found.get(at) for at in range(len(pages))]


def test_printed_numbers_are_those_that_count_on_from_page_to_page() -> None:
    assert _numbers("a\n- 7 -", "b\n- 8 -", "c\n- 9 -") == ["7", "8", "9"]
    assert _numbers("Title", "112 HEAD\na", "HEAD 113\nb", "Chapter\nc", "HEAD 115\nd", "e") == [
        *(None, "112", "113", "114", "115", None)
    ]
    assert _numbers("x\nii", "x\niii", "x\niv", "x\n1", "y\n2", "z\n3") == ["ii", "iii", "iv", "1", "2", "3"]
    assert _numbers("12 May\nRain.\n1", "13 May\nSun.\n2", "14 May\nSnow.\n3") == ["1", "2", "3"]
    assert _numbers("Minutes 1912\na", "Minutes 1912\nb", "Minutes 1913\nc") == [None] * 3
    assert _numbers("Only one 5") == [None]
