"""Turns errors of the Prefect server into sentences."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from contract.errors import RunError


@contextmanager
def server_errors() -> Generator[None]:
    """Turns an error that Prefect raises when its server cannot be reached or answers with an error into a RunError."""
    import httpx
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL

    try:
        yield
    except (httpx.HTTPError, PrefectHTTPStatusError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "Failed to reach API" not in str(error):
            raise
        raise RunError(
            f"the Prefect server at {PREFECT_API_URL.value()} failed: {error}\n"
            "Start it with `uv run prefect server start`, or unset PREFECT_API_URL to run without one; "
            "the same command then goes on from here."
        ) from error
