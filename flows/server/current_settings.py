"""Prefect's settings in a process that imported Prefect before its server was chosen."""

from __future__ import annotations

import os

from flows.server.choose_server import API_URL_VARIABLE


def read_settings_again() -> None:
    """Lets Prefect read the environment again, where it holds the address of another server. Imports Prefect."""
    from prefect.context import refresh_global_settings_context
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value() != os.environ.get(API_URL_VARIABLE, PREFECT_API_URL.value()):
        refresh_global_settings_context()
