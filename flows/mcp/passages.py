"""Passages of a corpus as resources: `corpus://osb/<record>#<section>:<start>-<end>`, the ids that citations name."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agents.evidence.locators import locator_of
from contract.base import JsonValue
from flows.api.agent import import_services
from flows.compose.one_agent import compose_agent
from flows.mcp.published import Material


async def read_passage(uri: str, storage: str, passage_id: str, config_dir: Path | None) -> Material | None:
    """The passage; None where the corpus has none of that id. Raises StudyError where there is no such corpus."""
    settings: dict[str, JsonValue] = {"queries": [passage_id[:200] or "passage"], "corpus": storage}
    call = await asyncio.to_thread(compose_agent, "search", settings, config_dir, None, None, f"corpus://{storage}")
    await import_services()
    from flows.run.services import open_index

    index = await open_index(call.study)
    passage = await index.passage(passage_id) if index else None
    if passage is None:
        return None
    page = locator_of(passage.locators, 0, len(passage.text))
    heading = ", ".join(part for part in (passage.title, passage.date, passage.section, page) if part)
    return Material(uri, passage.passage_id, f"{heading}\n\n{passage.text}", mime_type="text/plain")
