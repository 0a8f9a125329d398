"""How a question of a conversation was read, in a sentence for the reader of its answer."""

from __future__ import annotations

from contract.findings import CitedAnswer


def reading_text(answer: CitedAnswer) -> str | None:
    """What was asked, where it was asked in other words, or why it was asked as it stands; else None."""
    if answer.held_back:
        return f"{answer.unclear} Name what you mean, and ask again."
    if answer.unclear:
        return f"{answer.unclear} It was asked as it stands. Name what you mean, and ask again."
    if answer.asked and answer.asked != answer.question:
        return f"You asked: “{answer.asked}”"
    return None
