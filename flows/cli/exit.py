"""Ends the process of a command in bounded time, also when a server takes no more data."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable
from threading import Timer
from typing import NoReturn

EXIT_TIMEOUT_SECONDS = 3.0
"""How long the process may take to end after a run that broke off: a person is waiting for the terminal."""
TELEMETRY_FLUSH_SECONDS = 30.0
"""How long the process may take to end after a finished run: traces may still be on their way to a slow collector."""


def run_and_exit(main: Callable[[], int]) -> NoReturn:
    """Ends the process with the exit code that `main` returns. Does not wait for a server that takes no more data.

    All results are on disk by then.
    """
    fast_exit = _FastExit()
    # The function that is registered first is called last.
    atexit.register(fast_exit)
    code = fast_exit.code = main()
    timer = Timer(TELEMETRY_FLUSH_SECONDS if code in (0, 1) else EXIT_TIMEOUT_SECONDS, os._exit, [code])
    timer.daemon = True
    timer.start()
    sys.exit(code)


class _FastExit:
    """Ends the process before Python destroys all its objects, which takes seconds."""

    code: int | None = None

    def __call__(self) -> None:
        if self.code is None:
            return
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code)
