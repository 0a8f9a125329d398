"""The text of an error as a person reads it, at a terminal or through a client."""

from __future__ import annotations

from contract.errors import AnswersInvalid, ButtermilkError, StudyError
from contract.key_texts import mask_keys
from flows.files.control_characters import terminal_line, terminal_text


def error_lines(error: ButtermilkError) -> list[str]:
    """One line for each mistake, and how many there are; a single text for errors that are no mistakes of a study."""
    if not isinstance(error, StudyError):
        return [terminal_text(mask_keys(str(error)))]
    noun = "mistake" if len(error.problems) == 1 else "mistakes"
    lines = [terminal_line(str(problem)) for problem in error.problems]
    if isinstance(error, AnswersInvalid):
        return [*lines, f"\n{len(lines)} {noun} in the answers; the same command goes on when they are corrected."]
    return [*lines, f"\n{len(lines)} {noun}; nothing was run and no model was asked."]
