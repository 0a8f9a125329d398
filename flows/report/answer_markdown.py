"""Formats a cited answer as Markdown: for the run folder, and for the artifact in the Prefect UI."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeGuard

from contract.comparisons import Differences, MatterVote
from contract.findings import MAIN_SECTION, Citation, CitedAnswer, Claim, JudgedClaim, Source
from flows.files.control_characters import escape_controls
from flows.report.claim_words import only_quotes
from flows.report.document_name import document_name
from flows.report.notes_section import NOTES_HEADING
from flows.report.question_words import reading_text
from flows.report.reference_list import REFERENCES_HEADING, reference_lines, referenced_location
from flows.report.support_words import doubt_text, judging_text, labels_text
from flows.report.unverified import UNVERIFIED_HEADING, unverified_lines

_MARKDOWN_CHARACTERS = re.compile(r"[\\`*_\[\]]")
_NAME = re.compile(r"`([\w.=-]+)`")
"""A name in backticks. No markup can stand in it, whoever wrote it."""
_HTTPS_URL = re.compile(r"https://[^\s<>()\\]+")

_MAX_COPIES_SHOWN = 3

DEMONSTRATION_NOTICE = "Demonstration quality: embedded models; set a key and add `llms=lite` for a written answer."


def answer_markdown(answer: CitedAnswer) -> str:
    """The whole answer, every claim with its quotations and their places."""
    return "\n".join(_answer_lines(answer)).strip() + "\n"


def notes_markdown(notes: Sequence[str]) -> str:
    """The notes of the run, to stand below its answers; empty where there are none."""
    return "".join(
        f"{line}\n" for line in _bullet_list(NOTES_HEADING, [_escape_sentence(note) for note in notes]) if notes
    )


def _answer_lines(answer: CitedAnswer) -> Iterator[str]:
    yield f"# {_escape(answer.question)}\n"
    if text := reading_text(answer):
        yield f"*{_escape(text)}*\n"
    if answer.quality == "demonstration":
        yield f"*{DEMONSTRATION_NOTICE}*\n"
    yield f"**{answer.summary}**\n"
    yield from (f"{number}. {_escape(title)}" for number, title in enumerate(answer.candidates, start=1))
    for number, claim in enumerate(answer.claims, start=1):
        yield from _claim(number, claim, answer)
    if text := judging_text(answer):
        yield f"*{_escape_sentence(text)}*\n"
    if answer.unanswered:
        yield from _bullet_list("Not answered", [_escape(text) for text in answer.unanswered])
    if answer.differences:
        yield from _differences(answer.differences, answer.votes)
    if answer.dropped:
        yield from _unverified(answer.dropped)
    if lines := reference_lines(answer):
        yield from _bullet_list(REFERENCES_HEADING, [_escape(line) for line in lines])
    if answer.not_used:
        heading = "Nearest documents" if answer.abstained else "Found but not used"
        yield from _bullet_list(heading, [_source(source) for source in answer.not_used])


def _claim(number: int, claim: JudgedClaim, answer: CitedAnswer) -> Iterator[str]:
    is_quotation = only_quotes(claim)
    yield f"{number}. {_escape(f'“{claim.citations[0].quote}”' if is_quotation else claim.text)}\n"
    if doubt := doubt_text(claim):
        yield f"   **{_escape(doubt)}**\n"
    for citation in claim.citations:
        quoted = "" if is_quotation else f"   > {_escape(citation.quote)}\n   >\n"
        yield f"{quoted}   > — {_linked(citation_location(citation, answer), citation.uri)}\n"
    yield from (f"   - {_escape(line)}\n" for line in unverified_lines(claim))


def citation_location(citation: Citation, answer: CitedAnswer) -> str:
    """Where a quotation stands: the reference of its document and the page, else title, id, date, section and page.

    The main text is named as its section only without a page.
    """
    place = referenced_location(citation, answer) or _described_location(citation)
    return f"{place}; also in {_some_of(citation.also_in)}" if citation.also_in else place


def _described_location(citation: Citation) -> str:
    named = document_name(citation.title, citation.record_id, citation.date)
    section = None if citation.locator and citation.section == MAIN_SECTION else citation.section
    return ", ".join(filter(None, (named, section, citation.locator)))


def _some_of(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MAX_COPIES_SHOWN])
    return f"{shown} and {len(names) - _MAX_COPIES_SHOWN} more" if len(names) > _MAX_COPIES_SHOWN else shown


def _differences(differences: Differences, votes: Sequence[MatterVote]) -> Iterator[str]:
    yield f"\n## Where the models differ\n\n{_escape(differences.conclusion)}\n"
    if text := labels_text(differences):
        yield f"*{_escape(text)}*\n"
    for number, matter in enumerate(differences.divergences):
        vote = votes[number] if number < len(votes) else None
        yield f"- **{_escape(matter.topic)}**"
        for index, position in enumerate(matter.positions):
            held = ", ".join(position.held_by)
            counted = f"; votes: {vote.votes[index]}" if vote else ""
            yield f"  - {_escape(position.position)} ({_escape(held)}{counted})"
        if vote:
            yield f"  - {_escape(vote_text(vote))}"


def vote_text(vote: MatterVote) -> str:
    """What the votes say of a matter, in a sentence."""
    undecided = f"; undecided: {vote.undecided}" if vote.undecided else ""
    if vote.outcome is None:
        return f"No position has the most votes{undecided}."
    return f"Most votes{undecided}: {vote.outcome}"


def _bullet_list(heading: str, items: list[str]) -> Iterator[str]:
    yield f"\n## {heading}\n"
    yield from (f"- {item}" for item in items)


def _unverified(claims: Sequence[Claim]) -> Iterator[str]:
    yield f"\n## {UNVERIFIED_HEADING}\n"
    for claim in claims:
        yield f"- {_escape(claim.text)}"
        yield from (f"  - {_escape(line)}" for line in unverified_lines(claim))


def _source(source: Source) -> str:
    return _linked(document_name(source.title, source.record_id, source.date), source.uri)


def is_web_address(uri: str | None) -> TypeGuard[str]:
    """Whether a link may lead there: to an https address in which nothing ends a link, or a terminal's sequence."""
    return uri is not None and _HTTPS_URL.fullmatch(uri) is not None and uri.isprintable()


def _linked(text: str, uri: str | None) -> str:
    return f"[{_escape(text)}]({uri})" if is_web_address(uri) else _escape(text)


def _escape(text: str) -> str:
    """Text from records and models, escaped so that it cannot become markup in the page that shows it."""
    text = escape_controls(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
    return _MARKDOWN_CHARACTERS.sub(r"\\\g<0>", text)


def _escape_sentence(text: str) -> str:
    """A sentence of ours: names that it sets in backticks stay so; what it repeats from outside is escaped."""
    parts = _NAME.split(text)
    return "".join(f"`{part}`" if place % 2 else _escape(part) for place, part in enumerate(parts))
