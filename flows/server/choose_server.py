"""Chooses the Prefect server of a command: the configured one, one that runs on this machine, or a private one.

These functions have to be called before Prefect is imported, because Prefect then reads its settings.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPException
from importlib.metadata import version
from pathlib import Path
from urllib.request import Request

from flows.server.private_server import NO_PROXY_OPENER, PrivateServer

API_URL_VARIABLE = "PREFECT_API_URL"
"""The environment variable that names a server's API, for all of Prefect's threads and the processes it starts."""


def configured_api() -> str | None:
    """The API that the environment or the active Prefect profile names, or None. Does not import Prefect."""
    if url := os.environ.get(API_URL_VARIABLE):
        return url
    home = Path(os.environ.get("PREFECT_HOME", "~/.prefect")).expanduser()
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH", home / "profiles.toml")).expanduser()
    if not profiles.is_file():
        return None
    import tomllib

    known = tomllib.loads(profiles.read_text(encoding="utf-8"))
    active = os.environ.get("PREFECT_PROFILE") or known.get("active", "")
    return known.get("profiles", {}).get(active, {}).get(API_URL_VARIABLE)


def local_api() -> str:
    """The address of the API that `prefect server start` serves on this machine."""
    return f"http://127.0.0.1:{os.environ.get('PREFECT_SERVER_API_PORT') or 4200}/api"


def use_running_server() -> bool:
    """Whether there is a server to use. One that runs on this machine becomes the configured one, if there was none."""
    # Our plugin would set the same address again, and Prefect takes half a second to look for plugins.
    os.environ.setdefault("PREFECT_PLUGINS_ENABLED", "false")
    if configured_api():
        return True
    if _is_usable(api := local_api()):
        os.environ[API_URL_VARIABLE] = api
        return True
    return False


def _is_usable(api_url: str) -> bool:
    """Whether a Prefect server of the installed version answers there, and accepts our password."""
    request = Request(f"{api_url}/admin/version")  # noqa: S310 - our own address
    if password := os.environ.get("PREFECT_API_AUTH_STRING"):
        request.add_header("Authorization", f"Basic {b64encode(password.encode()).decode()}")
    try:
        with NO_PROXY_OPENER.open(request, timeout=2) as response:
            return response.read(100).decode() == f'"{version("prefect")}"'
    except (OSError, HTTPException, UnicodeDecodeError):
        return False


@contextmanager
def prefect_server() -> Generator[PrivateServer | None]:
    """Starts a private server for the length of the block, and yields it; yields None when a server already runs."""
    if use_running_server():
        yield None
        return
    server = PrivateServer()
    os.environ[API_URL_VARIABLE] = server.api_url
    try:
        yield server
    finally:
        server.stop()
