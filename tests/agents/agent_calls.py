"""How tests ask one agent of a study, with a scripted model and the criteria of a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agents.base.registry import load
from agents.base.services import Given
from agents.prompting.criteria import Criterion
from agents.prompting.templates import Prompts
from contract.base import thawed
from contract.calls import ModelReply, ModelRequest
from contract.messages import AgentInput, AgentOutput
from contract.record import Record
from tests.agents.test_agents import CONF, Book

RECORD = Record(record_id="r", text="They were asked for nothing and told nothing.", ground_truth={"violating": True})


class Shelf:
    """Criteria by name; any other name is a text."""

    def __init__(self, *criteria: Criterion) -> None:
        self._criteria = {criterion.name: criterion for criterion in criteria}

    def get(self, name_or_text: str) -> Criterion:
        """The criterion."""
        return self._criteria.get(name_or_text) or Criterion(name="literal", title="t", text=name_or_text)


def says(*replies: Any) -> Book:
    """A model that gives these replies in turn."""
    waiting = [reply if isinstance(reply, str) else json.dumps(reply) for reply in replies]

    def answer(request: ModelRequest) -> ModelReply | str:
        return waiting.pop(0)

    return Book(answer)


def reasons(verdict: str = "violates", *quotes: str, **more: Any) -> dict[str, Any]:
    """A judge's reply with one reason."""
    reason = {"rule": "rule 1", "applies": "yes", "reason": "it does", "quotes": list(quotes)}
    return {"verdict": verdict, "uncertainty": "low", "conclusion": "So it is.", "reasons": [reason], **more}


def judgement(verdict: str = "violates", *quotes: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A judge's output with one reason."""
    reason = {"rule": "rule 1", "applies": "yes", "reason": "it does", "quotes": list(quotes)}
    made = {"verdict": verdict, "uncertainty": "low", "conclusion": "So it is.", "reasons": [reason]}
    return {**made, "criteria": "one", "model": "m", **more}


def found(quote: str, start: int = 0) -> dict[str, Any]:
    """A quotation that was found in the record's text."""
    return {"quote": quote, "status": "found", "field": "text", "start": start, "end": start + len(quote)}


def lost(quote: str) -> dict[str, Any]:
    """One that was not."""
    return {"quote": quote, "status": "not_found"}


def given(book: Any, *criteria: Criterion) -> Given:
    """The services of a test."""
    return Given(models=book, prompts=Prompts([CONF]), criteria=Shelf(*criteria))


async def ask(
    agent: str,
    book: Any,
    inputs: dict[str, Any] | None = None,
    *criteria: Criterion,
    record: Record = RECORD,
    **more: Any,
) -> AgentOutput:
    """The agent's output."""
    agent_input = AgentInput(record=record, inputs=inputs or {}, parameters={"model": "one", **more})
    return await load(agent)().process(agent_input, given(book, *criteria))


def value(output: AgentOutput) -> Any:
    """As plain JSON."""
    return thawed(output.value)
