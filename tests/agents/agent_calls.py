"""How tests ask one agent of a study, with a scripted model and the criteria of a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agents.base.registry import load_agent
from agents.base.services import AgentServices
from agents.prompting.criteria import Criterion
from agents.prompting.templates import Prompts
from contract.base import thawed
from contract.calls import ModelReply, ModelRequest
from contract.messages import AgentInput, AgentOutput
from contract.record import Record
from tests.agents.test_agents import CONF, Book

RECORD = Record(record_id="r", text="They were asked for nothing and told nothing.", ground_truth={"violating": True})


class FakeCriteria:
    """Criteria by name; any other name is a text."""

    def __init__(self, *criteria: Criterion) -> None:
        self._criteria = {criterion.name: criterion for criterion in criteria}

    def get(self, name_or_text: str) -> Criterion:
        """The criterion."""
        return self._criteria.get(name_or_text) or Criterion(name="literal", title="t", text=name_or_text)


def replying_with(*replies: Any) -> Book:
    """A model that gives these replies in turn."""
    waiting = [reply if isinstance(reply, str) else json.dumps(reply) for reply in replies]

    def answer(request: ModelRequest) -> ModelReply | str:
        return waiting.pop(0)

    return Book(answer)


def judge_reply(verdict: str = "violates", *quotes: str, **more: Any) -> dict[str, Any]:
    """A judge's reply with one reason."""
    reason = {"rule": "rule 1", "applies": "yes", "reason": "it does", "quotes": list(quotes)}
    return {"verdict": verdict, "uncertainty": "low", "conclusion": "So it is.", "reasons": [reason], **more}


def judgement(verdict: str = "violates", *quotes: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A judge's output with one reason."""
    reason = {"rule": "rule 1", "applies": "yes", "reason": "it does", "quotes": list(quotes)}
    made = {"verdict": verdict, "uncertainty": "low", "conclusion": "So it is.", "reasons": [reason]}
    return {**made, "criteria": "one", "model": "m", **more}


def found_quote(quote: str, start: int = 0) -> dict[str, Any]:
    """A quotation that was found in the record's text."""
    return {"quote": quote, "status": "found", "field": "text", "start": start, "end": start + len(quote)}


def missing_quote(quote: str) -> dict[str, Any]:
    """One that was not."""
    return {"quote": quote, "status": "not_found"}


def agent_services(book: Any, *criteria: Criterion) -> AgentServices:
    """The services of a test."""
    return AgentServices(models=book, prompts=Prompts([CONF]), criteria=FakeCriteria(*criteria))


async def ask_agent(
    agent: str,
    book: Any,
    inputs: dict[str, Any] | None = None,
    *criteria: Criterion,
    record: Record = RECORD,
    **more: Any,
) -> AgentOutput:
    """The agent's output."""
    agent_input = AgentInput(record=record, inputs=inputs or {}, parameters={"model": "one", **more})
    return await load_agent(agent)().process(agent_input, agent_services(book, *criteria))


def plain_value(output: AgentOutput) -> Any:
    """As plain JSON."""
    return thawed(output.value)
