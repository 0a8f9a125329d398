"""Resolver: decides one matter on which answers part, by the quotations that each side gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict, cast

from pydantic import Field

from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from agents.evidence.labels import LabelledQuote, labelled_answers
from contract.base import Frozen, JsonValue
from contract.calls import ModelReply, json_schema_of
from contract.comparisons import Divergence
from contract.debate import UNDECIDED, Resolution, ResolutionDraft
from contract.findings import Passage, ResearchAnswer
from contract.messages import AgentInput


class ResolverInputs(Frozen):
    """One matter, and the answers that part on it."""

    divergence: Divergence
    answers: tuple[ResearchAnswer, ...] = Field(min_length=1)
    """The same answers, in the same order, as those that were compared: `held_by` names them by their labels."""
    question: str = ""
    passages: tuple[Passage, ...] = ()


class LabelledPosition(TypedDict):
    """A position as templates see it."""

    label: str
    position: str
    quotes: list[LabelledQuote]


class ResolverParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "resolver"


class Resolver(StructuredAgent[ResolverInputs, ResolverParameters, ResolutionDraft]):
    """Decides for the position that the quotations bear out, or for none. Who holds it, and how many, is not shown."""

    Inputs = ResolverInputs
    Parameters = ResolverParameters
    Output = Resolution
    Reply = ResolutionDraft

    @classmethod
    def template_variables(cls) -> frozenset[str]:
        return frozenset({"question", "topic", "positions"})

    @classmethod
    def template_types(cls) -> dict[str, Any]:
        return {"question": str, "topic": str, "positions": tuple[LabelledPosition, ...]}

    def material(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        inputs = self.inputs(agent_input)
        answers: Any = labelled_answers(inputs.answers, ())
        by_label = {answer["label"]: answer for answer in answers}
        positions: list[LabelledPosition] = [
            {"label": label, "position": position.position, "quotes": _quotes(position.held_by, by_label)}
            for label, position in zip(_labels(inputs.divergence), inputs.divergence.positions, strict=True)
        ]
        return {
            "question": inputs.question,
            "topic": inputs.divergence.topic,
            "positions": cast("list[JsonValue]", positions),
        }

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        schema: Any = json_schema_of(ResolutionDraft)
        labels = _labels(self.inputs(agent_input).divergence)
        schema["properties"]["position"] = {"type": "string", "enum": [*labels, UNDECIDED]}
        return schema

    def build_output(
        self,
        reply: ResolutionDraft,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> Resolution:
        divergence = self.inputs(agent_input).divergence
        labels = _labels(divergence)
        if reply.position not in (*labels, UNDECIDED):
            raise InvalidReply(f"position is '{reply.position}', but must be one of {', '.join(labels)}, {UNDECIDED}")
        position = None if reply.position == UNDECIDED else labels.index(reply.position) + 1
        model = self.parameters(agent_input).model
        return Resolution(divergence=divergence, position=position, reason=reply.reason, model=model)


def _labels(divergence: Divergence) -> list[str]:
    return [f"V{number}" for number, _ in enumerate(divergence.positions, start=1)]


def _quotes(holders: tuple[str, ...], answers: Mapping[str, Any]) -> list[LabelledQuote]:
    """What the holders of a position quote, each quotation once."""
    claims = [claim for holder in holders if holder in answers for claim in answers[holder]["claims"]]
    quotes = {(quote["passage"], quote["quote"]): quote for claim in claims for quote in claim["quotes"]}
    return list(quotes.values())
