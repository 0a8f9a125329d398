"""What commands talk to, each as a process of its own: a fake model service and a Prefect server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flows.server.private_server import free_port
from tests.support.commands import ROOT, CommandLine, wait_until


class FakeService:
    """`tests.support.fake_llm` in another process."""

    def __init__(self, url: str) -> None:
        self.url = url
        """Without a path; `/v1` is what openai-compatible models are given."""

    def stats(self) -> dict[str, Any]:
        """What it has counted."""
        return json.loads(_fetch(f"{self.url}/_stats"))

    def calls(self) -> int:
        """How many calls it has received."""
        return int(_fetch(f"{self.url}/_calls"))

    def script(self, rules: list[dict[str, Any]]) -> None:
        """How it shall answer."""
        _fetch(f"{self.url}/_script", json.dumps(rules).encode())

    def reset(self) -> None:
        """Forgets calls and rules."""
        _fetch(f"{self.url}/_reset", b"{}")


@contextmanager
def fake_service(latency: float) -> Generator[FakeService]:
    """A fake model service for the length of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.fake_llm", "--latency", str(latency)],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout
        yield FakeService(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()


@contextmanager
def prefect_server(folder: Path, database: Path | None = None, /, **variables: str) -> Generator[str]:
    """`prefect server start`, as a user would have it running beside; yields the address of its API.

    It takes over the `database` if there is one. Keywords are environment variables.
    """
    with prefect_server_process(folder, database, **variables) as (_, url):
        yield url


@contextmanager
def prefect_server_process(
    folder: Path, database: Path | None = None, /, **variables: str
) -> Generator[tuple[subprocess.Popen[bytes], str]]:
    """The same, for a test that does something to its process."""
    place = CommandLine(folder)
    if database:
        place.use_database(database)
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    log = folder / "server.log"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with log.open("wb") as log_file:
        # In the project's folder, so that the settings of its pyproject.toml hold.
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=place.environment(PREFECT_SERVER_UI_API_URL=url, **variables),
            stdout=log_file,
            stderr=log_file,
        )
    try:
        wait_until(lambda: process.poll() is not None or _is_up(f"{url}/health"), "the Prefect server", 120)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield process, url
    finally:
        process.terminate()
        process.wait(30)


def _fetch(url: str, body: bytes | None = None) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=30) as answer:
        return answer.read()


def _is_up(url: str) -> bool:
    try:
        return bool(_fetch(url))
    except (urllib.error.URLError, OSError):
        return False
