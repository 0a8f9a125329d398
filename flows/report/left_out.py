"""What commands, plans and notebooks say of rows and files that were left out: the same sentences everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from flows.config.folders import display_path
from flows.files.control_characters import terminal_line
from flows.storage.rows import Reject

_MOST_SHOWN = 3


def left_out_lines(rejects: Sequence[Reject], file: Path | None = None) -> Iterator[str]:
    """How many were left out of the records or the corpus, the first reasons, and the file that has all, if any."""
    if not rejects:
        return
    noun, were = ("row or file", "was") if len(rejects) == 1 else ("rows or files", "were")
    yield f"{len(rejects):,} {noun} could not be read and {were} left out:"
    for reject in rejects[:_MOST_SHOWN]:
        displayed = replace(reject, source=display_path(Path(reject.source)) if reject.source else "")
        yield f"  • {terminal_line(str(displayed))}"
    more = len(rejects) - _MOST_SHOWN
    if file:
        yield f"  {f'{more:,} more; ' if more > 0 else ''}all of them: {file}"
    elif more > 0:
        yield f"  and {more:,} more"
