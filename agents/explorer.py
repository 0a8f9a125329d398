"""Explorer: a loop's host that asks its own follow-up questions of the corpus, until it learns nothing new."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply
from contract.findings import ResearchAnswer
from contract.messages import AgentInput
from contract.tools import STOP, AgentToolDefinition, FollowUpDraft, UnifiedRequest

_SEARCH = "search"
"""The tool of that name, for a call outside a loop."""


class ExplorerInputs(Frozen):
    """What the explorer knows: where it began, and what its last question brought."""

    question: str
    answers: tuple[ResearchAnswer, ...] = ()
    """The checked answers to its last question."""
    previous: UnifiedRequest | None = None
    """Its request of the round before."""
    tools: tuple[AgentToolDefinition, ...] = ()
    """The steps of its loop. Called alone it has none, and asks for the tool `search`."""
    round: int = Field(default=1, ge=1)


class ExplorerParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "explorer"


class Explorer(StructuredAgent[ExplorerInputs, ExplorerParameters, FollowUpDraft]):
    """Asks the next follow-up question of a corpus, none twice; in a flow, the loop's `max_rounds` bounds how many.

    `metadata.question` of its request is the question of the round, `metadata.asked` all questions so far, and
    `metadata.learned` the sentences that they brought.
    """

    Inputs = ExplorerInputs
    Parameters = ExplorerParameters
    Output = UnifiedRequest
    Reply = FollowUpDraft
    supplied_inputs = frozenset({"round", "tools"})
    works_alone = True

    @classmethod
    def template_variables(cls) -> frozenset[str]:
        return frozenset({"question", "round", "asked", "learned", "tools"})

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {"question": str, "round": int, "asked": tuple[str, ...], "learned": tuple[str, ...]}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:
        known, inputs = super().material(agent_input, services), self.inputs(agent_input)
        asked = _asked(inputs)
        # Called alone it is told no round, and has asked one question in each.
        rounds = max(inputs.round, len(asked) + 1)
        return {**known, "round": rounds, "asked": [*asked], "learned": [*_learned(inputs)]}

    def build_output(
        self,
        reply: FollowUpDraft,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> UnifiedRequest:
        inputs = self.inputs(agent_input)
        asked, question = _asked(inputs), reply.question.strip()
        if question and question.casefold() in {one.casefold() for one in asked}:
            raise InvalidReply("that question was asked before; ask another, or give an empty one to end")
        metadata: dict[str, JsonValue] = {
            "reason": reply.reason, "question": question, "asked": [*asked, *([question] if question else [])],
            "learned": [*_learned(inputs)],
        }  # fmt: skip
        if not question:
            return UnifiedRequest(target=STOP, metadata=metadata)
        queries: list[JsonValue] = [*(reply.queries or (question,))]
        return UnifiedRequest(target=_search(inputs.tools), inputs={"queries": queries}, metadata=metadata)


def _asked(inputs: ExplorerInputs) -> list[str]:
    return _carried(inputs, "asked")


def _learned(inputs: ExplorerInputs) -> list[str]:
    new = [claim.text for answer in inputs.answers for claim in answer.claims]
    return list(dict.fromkeys([*_carried(inputs, "learned"), *new]))


def _carried(inputs: ExplorerInputs, name: str) -> list[str]:
    values: Any = inputs.previous.metadata.get(name, ()) if inputs.previous else ()
    return [str(value) for value in values]


def _search(tools: tuple[AgentToolDefinition, ...]) -> str:
    """The name of the step that takes search queries. Raises InvalidReply when the loop has none to choose."""
    for tool in tools:
        if tool.takes_queries:
            return tool.name
    if not tools:
        return _SEARCH
    raise InvalidReply("no step of this loop searches")
