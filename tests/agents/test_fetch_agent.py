"""A page of the web as passages: whole paragraphs, each with its place in the page's text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.base.registry import load_agent
from contract.errors import FetchRefused, MissingInput
from contract.messages import AgentInput, AgentOutput
from contract.web_page import WebPage
from tests.agents.agent_calls import RECORD, agent_services, plain_value, replying_with

PARAGRAPHS = [f"Paragraph {number}. " + "It may stay. " * 40 for number in range(5)]
PAGE = WebPage(
    url="https://example.org/a", final_url="https://example.org/b", title="A page", published="2026-01-02",
    text="\n\n".join(PARAGRAPHS), sha256="0" * 64, fetched=datetime(2026, 1, 3, tzinfo=UTC),
)  # fmt: skip


class OnePage:
    """The web, with one page in it."""

    async def page(self, url: str) -> WebPage:
        """The page; any other is refused."""
        if url != PAGE.url:
            raise FetchRefused("the address is private")
        return PAGE


async def fetched(web: OnePage | None = None, **inputs: Any) -> AgentOutput:
    services = replace(agent_services(replying_with()), web=web)
    return await load_agent("fetch")().process(AgentInput(record=RECORD, inputs=inputs), services)


async def test_a_page_becomes_passages_that_stand_in_its_text() -> None:
    output = await fetched(OnePage(), url=PAGE.url)
    passages = plain_value(output)["passages"]
    assert len(passages) > 1 and output.note == f"{len(passages)} passages of https://example.org/b"
    for passage in passages:
        assert PAGE.text[passage["start"] : passage["end"]] == passage["text"]
        assert (passage["record_id"], passage["date"]) == ("https://example.org/b", "2026-01-02")
    joined = " ".join(passage["text"] for passage in passages)
    assert all(paragraph.strip() in joined for paragraph in PARAGRAPHS)


async def test_the_same_page_again_brings_nothing_new() -> None:
    first = plain_value(await fetched(OnePage(), url=PAGE.url))
    again = await fetched(OnePage(), url=PAGE.url, previous=first["passages"])
    assert plain_value(again)["passages"] == first["passages"] and again.note == "0 passages of https://example.org/b"


async def test_what_may_not_be_fetched_is_no_page() -> None:
    with pytest.raises(FetchRefused, match="the address is private"):
        await fetched(OnePage(), url="https://10.0.0.1/")
    with pytest.raises(MissingInput, match="no access to the web"):
        await fetched(None, url=PAGE.url)
