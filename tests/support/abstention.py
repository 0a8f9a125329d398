"""Reads answers of any model in one way: what was answered, what declined, which false premises pointed out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from contract.findings import CitedAnswer

Kind = Literal["answerable", "unanswerable", "false premise"]


@dataclass(frozen=True)
class Asked:
    """A question, and what a right answer does with it."""

    question: str
    kind: Kind
    decisions: tuple[str, ...] = ()
    """For an answerable question: one of these documents is cited by a right answer."""
    opposite: str = ""
    """For a false premise: a pattern of the words that state the opposite."""


def is_right(asked: Asked, answer: CitedAnswer) -> bool:
    """Whether the answer does what the question's kind asks for.

    A false premise is pointed out by an answer that quotes the opposite, or abstains and names it as the reason; an
    abstention for another reason does not count. Models that write and models that only quote are read alike.
    """
    if asked.kind == "answerable":
        cited = {citation.record_id for claim in answer.claims for citation in claim.citations}
        return not answer.abstained and (not asked.decisions or bool(cited & {*asked.decisions}))
    if asked.kind == "unanswerable":
        return answer.abstained
    quoted = [citation.quote for claim in answer.claims for citation in claim.citations]
    return any(re.search(asked.opposite, text, re.I) for text in [*quoted, *answer.unanswered])


def figures(answers: Iterable[tuple[Asked, CitedAnswer]]) -> dict[Kind, tuple[int, int]]:
    """For each kind of question: how many were treated rightly, of how many."""
    right, every = Counter[Kind](), Counter[Kind]()
    for asked, answer in answers:
        every[asked.kind] += 1
        right[asked.kind] += is_right(asked, answer)
    return {kind: (right[kind], number) for kind, number in every.items()}


def figures_text(found: dict[Kind, tuple[int, int]]) -> str:
    """The figures in one line."""
    verbs: dict[Kind, str] = {
        "answerable": "answered with the right document",
        "unanswerable": "declined",
        "false premise": "false premises pointed out",
    }
    return "; ".join(f"{verbs[kind]} {right} of {number}" for kind, (right, number) in sorted(found.items()))
