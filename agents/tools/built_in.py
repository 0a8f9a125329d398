"""The tools that come with the package: search in the flow's corpus, and pages of the web."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.base.services import AgentServices
from agents.tools.tool import MCPRoute, ToolFailed, tool
from contract.findings import Passage
from contract.web_page import WebPage

Queries = Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(min_length=1, max_length=5)]


@MCPRoute()
@tool(permissions=("read_corpus",))
async def search(
    queries: Queries, limit: Annotated[int, Field(ge=1, le=20)] = 6, *, services: AgentServices
) -> list[Passage]:
    """Finds passages in the study's corpus, best first.

    Args:
        queries: One to five questions or phrases, in the words that the documents themselves would use.
        limit: How many passages to return, for all queries together.
    """
    if services.index is None:
        raise ToolFailed("the flow names no corpus to search")
    return await services.index.search(queries, limit)


@MCPRoute()
@tool(permissions=("fetch",))
async def fetch(url: Annotated[str, Field(max_length=2000)], *, services: AgentServices) -> WebPage:
    """Fetches a public page of the web and returns its main text.

    Args:
        url: The address of the page, which begins with https://.
    """
    if services.web is None:
        raise ToolFailed("pages of the web cannot be fetched here")
    return await services.web.page(url)
