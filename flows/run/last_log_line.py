"""The last line of a run's log: no error where the run did what it should.

Prefect logs as an error each end in a state other than Completed, also that of a run which waits for people, as it was
asked to, or keeps within its budget.
"""

from __future__ import annotations

import logging
import re

_END = re.compile(r"Finished in state (?:Waiting|Paused|Suspended|BudgetReached)\b")


def as_no_error(record: logging.LogRecord) -> bool:
    """Lowers the line of such an end to what it is, a piece of information; a filter that lets every line through."""
    if record.levelno == logging.ERROR and _END.match(record.getMessage()):
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
    return True
