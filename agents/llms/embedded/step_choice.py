"""Chooses the next step for a host: a search, or `stop` if there is nothing new to search for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.llms.embedded.relevance import asked_words
from contract.base import JsonValue
from contract.tools import STOP, AgentToolDefinition, FollowUpDraft, HostChoice

MAX_QUERIES = 5


def choose_step(material: Mapping[str, Any]) -> HostChoice:
    """The question in round 1, its key words and the missing points in round 2; then, or if none is new, `stop`."""
    tools = map(AgentToolDefinition.model_validate, material.get("tools", ()))
    searching = next((tool for tool in tools if tool.takes_queries), None)
    if searching is None:
        return HostChoice(target=STOP, reason="no step here takes search queries")
    queries: list[JsonValue] = [*_new_queries(material)]
    if not queries:
        return HostChoice(target=STOP, reason="there is nothing new to search for")
    return HostChoice(
        target=searching.name,
        inputs={"queries": queries},
        reason="the question first" if int(material.get("round", 1)) == 1 else "other words for what is missing",
    )


def follow_up(material: Mapping[str, Any]) -> FollowUpDraft:
    """The first question in round 1, its key words in round 2; then nothing, since it composes no question."""
    asked = [_normalise(str(question)) for question in material.get("asked", ())]
    queries = _new_queries({**material, "previous_queries": material.get("asked", ())})
    question = " ".join(queries)
    if not question or _normalise(question) in asked:
        return FollowUpDraft(reason="this model composes no further question")
    return FollowUpDraft(reason="the words of the first question", question=question[:300], queries=tuple(queries))


def _new_queries(material: Mapping[str, Any]) -> list[str]:
    question, round_number = str(material["question"]), int(material.get("round", 1))
    if round_number == 1:
        return [question]
    if round_number > 2:
        return []
    previous = {_normalise(query) for query in material.get("previous_queries", ())}
    missing: Sequence[str] = [str(item) for item in material.get("missing", ())]
    wanted = [" ".join(word.text for word in asked_words(question)), *missing]
    new = {_normalise(query): query for query in wanted if query.strip() and _normalise(query) not in previous}
    return list(new.values())[:MAX_QUERIES]


def _normalise(query: str) -> str:
    return " ".join(query.lower().split())
