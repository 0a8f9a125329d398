"""`check live=true`: asks each hosted model of the studies once, after everything else was found to be right."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from flows.cli.flags import take_flag
from flows.files.control_characters import terminal_text
from flows.server.interrupt import EXIT_FAILED
from flows.spec.study import Study


def take_live(settings: list[str]) -> bool:
    """Takes `live=true` out of the settings of a check. Raises StudyError for another value."""
    return take_flag(settings, "live", "write live=true to ask each model for one smallest reply")


def check_live(studies: Sequence[Study], *, as_json: bool) -> int:
    """Prints what one call to each model showed, with its tokens and cost; 3 if a model cannot be used."""
    from flows.check.live import ask_models, asked_models

    models = asked_models(studies)
    results = asyncio.run(ask_models(models))
    stream = sys.stderr if as_json else sys.stdout
    if not models:
        print("live: no step names a hosted model, so nothing was asked", file=stream)
    for result in results:
        print(f"live: {terminal_text(result.text)}", file=stream)
    return 0 if all(result.works for result in results) else EXIT_FAILED
