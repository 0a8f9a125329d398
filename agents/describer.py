"""Describer: says in words what a record's pictures show, for models that do not see."""

from __future__ import annotations

from typing import Any

from agents.base.agent import NoInputs
from agents.base.services import Given
from agents.base.structured_agent import LLMParameters, ReplyUnfit, StructuredAgent
from contract.base import JsonValue
from contract.calls import ModelReply, schema_of
from contract.errors import MissingInput
from contract.findings import Description
from contract.messages import AgentInput, AgentOutput


class DescriberParameters(LLMParameters):
    """As for every model; it must see."""

    template: str = "describer"


class Describer(StructuredAgent[NoInputs, DescriberParameters, Description]):
    """Writes one text a picture. In a flow: `when: record.images`."""

    Inputs = NoInputs
    Parameters = DescriberParameters
    Output = Description
    Reply = Description
    shows_pictures = True
    needs_sight = True

    def schema(self, given_input: AgentInput, given: Given) -> dict[str, JsonValue]:  # noqa: ARG002
        number = len(given_input.record.images)
        schema: Any = schema_of(Description)
        schema["properties"]["alt_texts"] |= {"minItems": number, "maxItems": number}
        return schema

    async def process(self, given_input: AgentInput, given: Given) -> AgentOutput:
        if not given_input.record.images:
            raise MissingInput("the record has no picture; write `when: record.images` in this step")
        model = given.models.get(self.parameters(given_input).model)
        if not model.sees_images:
            raise MissingInput(f"the model {model.name} does not see; choose one with `sees_images: true`")
        return await super().process(given_input, given)

    def finish(self, reply: Description, raw: ModelReply, given_input: AgentInput, given: Given) -> Description:  # noqa: ARG002
        pictures, described = len(given_input.record.images), len(reply.alt_texts)
        if described != pictures:
            raise ReplyUnfit(f"there are {described} texts, but {pictures} pictures; give one for each, in their order")
        return reply
