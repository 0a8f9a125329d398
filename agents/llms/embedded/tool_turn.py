"""A turn of an agent that uses tools: searches with the question, then answers with sentences of what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from agents.llms.embedded.research import research
from agents.llms.embedded.similarity import Similarity
from contract.tool_calls import FinalAnswer, ToolRequest, ToolRequests, ToolTurn

_NOTHING = "Nothing that was found answers the question."
_LONGEST_QUERY = 500


def next_turn(material: Mapping[str, Any], similarity: Similarity) -> ToolTurn:
    """The question as a search if nothing was called yet, else the sentences that answer it, each with its source."""
    question = str(material.get("question") or material.get("task") or material["record"]["text"])
    searching = next((tool for tool in material["tools"] if _takes_queries(tool)), None)
    if searching and not material.get("calls"):
        request = ToolRequest(tool=searching["name"], arguments={"queries": [question[:_LONGEST_QUERY]]})
        return ToolTurn(next=ToolRequests(calls=(request,)))
    passages = {f"P{number}": one for number, one in enumerate(_passages(material.get("calls", ())), 1)}
    labelled = [{**passage, "label": label} for label, passage in passages.items()]
    draft = research({"question": question, "passages": labelled}, similarity)
    quoted = [
        f"{quote.quote} ({passages[quote.passage]['title']})" for claim in draft.claims for quote in claim.quotes[:1]
    ]
    return ToolTurn(next=FinalAnswer(answer="\n".join(quoted) if draft.answerable and quoted else _NOTHING))


def _takes_queries(tool: Mapping[str, Any]) -> bool:
    return "queries" in tool["input_schema"].get("properties", {})


def _passages(calls: Any) -> Iterator[Mapping[str, Any]]:
    for call in calls:
        results: Any = call["result"] if isinstance(call["result"], list) else []
        for one in cast("list[Any]", results):
            if isinstance(one, Mapping) and {"text", "record_id", "title"} <= cast("Mapping[str, Any]", one).keys():
                yield cast("Mapping[str, Any]", one)
