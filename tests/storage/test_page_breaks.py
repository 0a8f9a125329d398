"""Pages joined to one text: running heads and page numbers are left out, and sentences go on."""

from __future__ import annotations

from flows.storage.page_breaks import join_pages


def test_a_sentence_goes_on_over_a_page_break_with_running_head_and_number() -> None:
    pages = [
        "Minutes of the Board, 1912\nThe meeting began at ten.\n\nThe committee has rejec-\n- 111 -",
        "Minutes of the Board, 1913\nted the proposal for want\n- 112 -",
        "Minutes of the Board, 1913\nof money. It closed.\n- 113 -",
    ]
    text, left_out = join_pages(pages)
    assert (
        text == "The meeting began at ten.\n\nThe committee has rejec-\nted the proposal for want\nof money. It closed."
    )
    assert left_out == ["Minutes of the Board, 1912", "- 111 -"]


def test_lines_that_are_not_repeated_stay_and_a_short_document_is_left_as_it_is() -> None:
    pages = ["Chapter one\nIt began.", "Then it went on.\n7 days later", "At last it ended."]
    assert join_pages(pages) == ("Chapter one\nIt began.\n\nThen it went on.\n7 days later\nAt last it ended.", [])
    assert join_pages(["Head\nOne.", "Head\nTwo."]) == ("Head\nOne.\n\nHead\nTwo.", [])
