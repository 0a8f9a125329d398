"""Runs one agent in a test, with a scripted model and the test's criteria."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agents.base.registry import load_agent
from agents.base.services import AgentServices
from agents.llms.reply_cache import CachedReplies, InMemoryReplyStore
from agents.llms.scripted import Scripted, ScriptLine
from agents.prompting.criteria import Criterion
from agents.prompting.templates import Prompts
from contract.base import thawed
from contract.calls import ModelReply, ModelRequest
from contract.messages import AgentInput, AgentOutput
from contract.record import Record
from tests.support.shipped import CONF

RECORD = Record(record_id="r", text="They were asked for nothing and told nothing.", ground_truth={"violating": True})


class ScriptedModels:
    """One scripted model under every name. Its replies are kept."""

    def __init__(self, script: Sequence[ScriptLine] | Callable[[ModelRequest], ModelReply | str]) -> None:
        self.scripted = Scripted("one", script)
        self._model = CachedReplies(self.scripted, InMemoryReplyStore())

    def get(self, name: str) -> CachedReplies:
        return self._model


class FakeCriteria:
    """Criteria by name; any other name is the text of a criterion."""

    def __init__(self, *criteria: Criterion) -> None:
        self._criteria = {criterion.name: criterion for criterion in criteria}

    def get(self, name_or_text: str) -> Criterion:
        """The criterion."""
        return self._criteria.get(name_or_text) or Criterion(name="literal", title="t", text=name_or_text)


def replying_with(*replies: Any) -> ScriptedModels:
    """A model that gives these replies in turn."""
    remaining = [reply if isinstance(reply, str) else json.dumps(reply) for reply in replies]

    def answer(request: ModelRequest) -> ModelReply | str:
        return remaining.pop(0)

    return ScriptedModels(answer)


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
    """A quotation that was not found."""
    return {"quote": quote, "status": "not_found"}


def agent_services(models: Any, *criteria: Criterion) -> AgentServices:
    """Services with these models and criteria."""
    return AgentServices(models=models, prompts=Prompts([CONF]), criteria=FakeCriteria(*criteria))


async def ask_agent(
    agent: str,
    models: Any,
    inputs: dict[str, Any] | None = None,
    *criteria: Criterion,
    record: Record = RECORD,
    **more: Any,
) -> AgentOutput:
    """The agent's output."""
    made = load_agent(agent)()
    model = {"model": "one"} if "model" in made.Parameters.model_fields else {}
    agent_input = AgentInput(record=record, inputs=inputs or {}, parameters={**model, **more})
    return await made.process(agent_input, agent_services(models, *criteria))


def plain_value(output: AgentOutput) -> Any:
    """The output's value as plain JSON."""
    return thawed(output.value)
