"""A server in this process, as a client of either protocol sees it."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from flows.mcp.catalogue import Catalogue, ServerSettings
from flows.mcp.server import make_server
from tests.support.commands import write_files

FLOW = """\
description: Two judges.
parameters:
  strictness: {type: integer, description: How strict., default: 1}
records: posts
steps:
  judge:
    agent: judge
    variants: {criteria: [ordinary], model: [demo, demo_average]}
measures: {verdicts: judge}
"""
POSTS = """\
{"record_id": "a", "text": "You people are vermin and should leave."}
{"record_id": "b", "text": "A fine day."}
"""
Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study's folder below the working folder, with results of its own."""
    folder = tmp_path / "work" / "study"
    write_files(
        folder,
        {
            "flows/tiny.yaml": FLOW,
            "storage/posts.yaml": "posts: {type: file, path: posts.jsonl}\n",
            "posts.jsonl": POSTS,
            "run/default.yaml": "results: kept\n",
        },
    )
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in [name for name in os.environ if name.endswith("_API_KEY")]:
        monkeypatch.delenv(name)
    return folder


@pytest.fixture
def connect(study: Path) -> Connect:
    """Opens a server with settings, and a client that is connected to it."""

    @asynccontextmanager
    async def connected(mode: Any = "auto", **settings: Any) -> AsyncGenerator[Client]:
        catalogue = Catalogue(ServerSettings(study, **settings))
        try:
            async with Client(make_server(catalogue), mode=mode) as client:
                yield client
        finally:
            await catalogue.aclose()

    return connected


def text_of(result: Any) -> str:
    """The text of a tool's result."""
    return "\n".join(part.text for part in result.content)
