"""The words of the passages that come nearest to a quotation which stands in none of them."""

from __future__ import annotations

from collections.abc import Sequence

from contract.findings import NearestWords, Passage

_MIN_LIKENESS = 55.0
"""Of 100. Below it, any two sentences of one language are as near as that."""
_CONTEXT_CHARACTERS = 30


def nearest_words(quote: str, passages: Sequence[Passage], preferred: str = "") -> NearestWords | None:
    """Returns the stretch of a passage that is most like `quote`, as whole words; None if nothing is like it.

    Likeness is the normalised Indel similarity of the best alignment, 0 to 100 (rapidfuzz, `partial_ratio`). Of two
    passages that are equally near, the `preferred` one is taken.
    """
    from rapidfuzz.fuzz import partial_ratio_alignment

    best: tuple[float, bool, Passage, int, int] | None = None
    for passage in passages:
        found = partial_ratio_alignment(quote, passage.text, score_cutoff=_MIN_LIKENESS)
        if found is None or (best and (found.score, passage.passage_id == preferred) <= best[:2]):
            continue
        best = (found.score, passage.passage_id == preferred, passage, found.dest_start, found.dest_end)
    if best is None:
        return None
    likeness, _, passage, start, end = best
    start, end = _whole_words(passage.text, start, end)
    return NearestWords(
        text=passage.text[start:end],
        passage_id=passage.passage_id,
        record_id=passage.record_id,
        title=passage.title,
        section=passage.section,
        likeness=round(likeness),
    )


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch with some of its surroundings, cut at white space."""
    start, end = max(0, start - _CONTEXT_CHARACTERS), min(len(text), end + _CONTEXT_CHARACTERS)
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return start, end
