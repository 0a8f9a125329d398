"""Checks quotations verbatim against passages.

Two texts are the same words when they are equal after Unicode compatibility normalisation (NFKC, Unicode
Standard Annex #15), with runs of white space made one space, typographic quotation marks and dashes made plain,
and invisible format characters left out. Letters, case, digits and order must agree.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from contract.findings import Citation, CitationStatus, Claim, Passage, ResearchAnswer

MIN_QUOTE_CHARACTERS = 12
"""Shorter quotations are found anywhere by chance, so they prove nothing."""
SHORT_TEXT_CHARACTERS = 600
"""In a text up to this length, such as a post, one word can be what matters."""
_SPACES = re.compile(r"\s+")
_SPACES_OR_LETTER = re.compile(r"\s+|\S")
_PLAIN_PUNCTUATION = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "„": '"',
        "«": '"',
        "»": '"',
        "‘": "'",
        "’": "'",
        "‚": "'",
        "‐": "-",
        "‑": "-",
        "–": "-",
        "—": "-",
    }
)


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Yields the offset of each character, and the character with its combining marks."""
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or not unicodedata.combining(text[position]):
            yield start, text[start:position]
            start = position


def _normalise(text: str) -> tuple[str, list[int]]:
    """Returns the comparable form of `text`, and for each of its characters the offset in `text` it came from."""
    if text.isascii():
        # The same result, much faster: only white space can change.
        return _SPACES.sub(" ", text), [found.start() for found in _SPACES_OR_LETTER.finditer(text)]
    letters, offsets = list[str](), list[int]()
    for start, cluster in _clusters(text) if text else ():
        for letter in unicodedata.normalize("NFKC", cluster).translate(_PLAIN_PUNCTUATION):
            if unicodedata.category(letter) == "Cf":
                continue
            letter = " " if letter.isspace() else letter
            if letter == " " and letters and letters[-1] == " ":
                continue
            letters.append(letter)
            offsets.append(start)
    return "".join(letters), offsets


class QuotableText:
    """A text in which quotations are looked for; it is normalised once for all of them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._normalised: tuple[str, list[int]] | None = None

    def find(self, quote: str) -> tuple[int, int] | None:
        """Returns the offsets of the start and the end of `quote` in the text; None if it does not stand there.

        A quotation of fewer than 12 characters proves nothing in a long text, where it is found by chance. In a
        text of at most 600 characters it counts if it stands there as whole words.
        """
        normalised_quote = _normalise_quote(quote)
        if not normalised_quote:
            return None
        if self._normalised is None:
            self._normalised = _normalise(self.text)
        normalised_text, offsets = self._normalised
        at = (
            normalised_text.find(normalised_quote)
            if len(normalised_quote) >= MIN_QUOTE_CHARACTERS
            else self._find_whole_words(normalised_quote, normalised_text)
        )
        if at < 0:
            return None
        end = offsets[at + len(normalised_quote)] if at + len(normalised_quote) < len(offsets) else len(self.text)
        found = self.text[offsets[at] : end]
        return offsets[at] + len(found) - len(found.lstrip()), offsets[at] + len(found.rstrip())

    @staticmethod
    def _find_whole_words(normalised_quote: str, normalised_text: str) -> int:
        if len(normalised_text) > SHORT_TEXT_CHARACTERS:
            return -1
        found = re.search(rf"(?<!\w){re.escape(normalised_quote)}(?!\w)", normalised_text)
        return found.start() if found else -1


def _normalise_quote(quote: str) -> str:
    return _normalise(quote)[0].strip(" \"'").removeprefix("...").removesuffix("...").strip()


def find_quote(quote: str, text: str) -> str | None:
    """Returns the words of `text` that `quote` repeats, exactly as they stand in `text`; None if there are none.

    A quotation of fewer than 12 characters is never found.
    """
    if len(_normalise_quote(quote)) < MIN_QUOTE_CHARACTERS:
        return None
    found = QuotableText(text).find(quote)
    return text[found[0] : found[1]] if found else None


def check_citation(citation: Citation, passages: Sequence[Passage]) -> Citation:
    """Returns the citation with its status, and its quotation as it stands in the source if it was found."""
    named = next((passage for passage in passages if passage.passage_id == citation.passage_id), None)
    if named and (words := find_quote(citation.quote, named.text)):
        return citation.model_copy(
            update={"quote": words, "status": "found", "found_in": None, **_source_fields(named)}
        )
    for passage in passages:
        if find_quote(citation.quote, passage.text):
            return _with_status(citation, "misattributed", passage.passage_id)
    return _with_status(citation, "not_found", None)


def _source_fields(passage: Passage) -> dict[str, str | None]:
    return {
        "record_id": passage.record_id,
        "title": passage.title,
        "section": passage.section,
        "date": passage.date,
        "uri": passage.uri,
    }


def _with_status(citation: Citation, status: CitationStatus, found_in: str | None) -> Citation:
    return citation.model_copy(update={"status": status, "found_in": found_in})


def check_answer(answer: ResearchAnswer, passages: Sequence[Passage]) -> ResearchAnswer:
    """Returns the answer with only the claims that a verified quotation supports; the others are in `dropped`."""
    kept, dropped = list[Claim](), list(answer.dropped)
    for claim in answer.claims:
        citations = tuple(check_citation(citation, passages) for citation in claim.citations)
        found = tuple(citation for citation in citations if citation.status == "found")
        if found:
            kept.append(claim.model_copy(update={"citations": found}))
        else:
            dropped.append(claim.model_copy(update={"citations": citations}))
    return answer.model_copy(update={"claims": tuple(kept), "dropped": tuple(dropped)})
