"""The end of a command: without waiting for a server that takes nothing more."""

from __future__ import annotations

import atexit
import logging
import os
import sys
from collections.abc import Callable
from threading import Timer
from typing import NoReturn

EXIT_TIMEOUT_SECONDS = 3.0
"""How long the process may take to end after a run that did not: whoever waits at the terminal wants it back."""


TELEMETRY_FLUSH_SECONDS = 30.0
"""The same after a run that ended: traces may still be on their way to a slow collector."""


def run_and_exit(main: Callable[[], int]) -> NoReturn:
    """Ends the process with what `main` returns, and does not wait for a server that takes nothing more.

    What is kept is on disk by then.
    """
    fast_exit = _FastExit()
    # The first to be registered is the last to be called.
    atexit.register(fast_exit)
    code = fast_exit.code = main()
    timer = Timer(TELEMETRY_FLUSH_SECONDS if code in (0, 1) else EXIT_TIMEOUT_SECONDS, os._exit, [code])
    timer.daemon = True
    timer.start()
    sys.exit(code)


class _FastExit:
    """Ends the process before Python takes every object apart that it has made, which takes seconds."""

    code: int | None = None

    def __call__(self) -> None:
        if self.code is None:
            return
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(self.code)
