"""The server that Prefect itself starts for a program that has none: how long it may take to start.

`pyproject.toml` says so for programs in the project's folder. A program with a flow of one's own may be anywhere, and
Prefect's own 20 s are too few where the machine is busy or the database has to be made first.
"""

from __future__ import annotations

import os
import sys

from flows.server.private_server import SERVER_START_SECONDS

_VARIABLE = "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"


def give_time_to_start() -> None:
    """Gives it as long as our own server has, unless something else is configured."""
    if _VARIABLE in os.environ:
        return
    if "prefect" not in sys.modules:
        # Prefect reads the environment when it is imported.
        os.environ[_VARIABLE] = f"{SERVER_START_SECONDS:.0f}"
        return
    from prefect.context import refresh_global_settings_context
    from prefect.settings import get_current_settings

    if "startup_timeout_seconds" not in get_current_settings().server.ephemeral.model_fields_set:
        os.environ[_VARIABLE] = f"{SERVER_START_SECONDS:.0f}"
        refresh_global_settings_context()
