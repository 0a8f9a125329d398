"""Describer: describes a record's pictures in words, for models that do not see."""

from __future__ import annotations

from typing import Any

from agents.base.agent import NoInputs
from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from contract.base import JsonValue
from contract.calls import ModelReply, json_schema_of
from contract.errors import MissingInput
from contract.judgements import Description
from contract.messages import AgentInput, AgentOutput


class DescriberParameters(LLMParameters):
    """As for every agent with a model; the model must see."""

    template: str = "describer"


class Describer(StructuredAgent[NoInputs, DescriberParameters, Description]):
    """Writes one text for each picture. In a flow: `when: record.images`."""

    Inputs = NoInputs
    Parameters = DescriberParameters
    Output = Description
    Reply = Description
    sends_images = True
    requires_image_model = True

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        number = len(agent_input.record.images)
        schema: Any = json_schema_of(Description)
        schema["properties"]["alt_texts"] |= {"minItems": number, "maxItems": number}
        return schema

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        if not agent_input.record.images:
            raise MissingInput("the record has no picture; write `when: record.images` in this step")
        model = services.models.get(self.parameters(agent_input).model)
        if not model.sees_images:
            raise MissingInput(f"the model {model.name} does not see; choose one with `sees_images: true`")
        return await super().process(agent_input, services)

    def build_output(
        self,
        reply: Description,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,
        services: AgentServices,  # noqa: ARG002
    ) -> Description:
        pictures, described = len(agent_input.record.images), len(reply.alt_texts)
        if described != pictures:
            raise InvalidReply(
                f"there are {described} texts, but {pictures} pictures; give one for each, in their order"
            )
        return reply
