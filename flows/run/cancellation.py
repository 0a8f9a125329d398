"""Cancellation: a person's wish is no error, so a cancelled run leaves none in its log and none at its worker."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

from prefect.exceptions import TerminationSignal

from flows.run.run_story import story_logger
from flows.server.prefect_internals import get_intent


@contextmanager
def quiet_cancellation() -> Generator[None]:
    """Lets a run that a person cancels say so once, in the place of Prefect's errors and asyncio's traceback.

    The filters stay, since these come when the run has ended and its process is about to. Does nothing where the
    process is interrupted otherwise: then Prefect's messages name the crash.
    """
    logging.getLogger("prefect.flow_runs").addFilter(_is_no_last_word)
    logging.getLogger("asyncio").addFilter(_is_no_signal)
    try:
        yield
    except BaseException:
        if _is_cancelled():
            text = "Cancelled. What was answered is kept: Retry goes on from here, and pays for nothing twice"
            story_logger().info(text)
        raise


def _is_cancelled() -> bool:
    return get_intent() == "cancel"


def _is_no_last_word(record: logging.LogRecord) -> bool:
    # Prefect reports the state from before the cancellation, as an error.
    return not (_is_cancelled() and record.getMessage().startswith("Finished in state Running"))


def _is_no_signal(record: logging.LogRecord) -> bool:
    return not (_is_cancelled() and record.exc_info and isinstance(record.exc_info[1], TerminationSignal))
