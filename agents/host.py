"""Hosts: choose the next step of a loop. `SequenceHost` follows a written sequence; `LLMHost` asks a model.

A host's answer is a `UnifiedRequest`: the name of one of the steps it may choose, or `stop`, and arguments that fit
that step's own schema. Free text never routes anything.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from pydantic import Field

from agents.base.agent import Agent
from agents.base.misfit_words import argument_misfit
from agents.base.services import AgentServices
from agents.base.structured_agent import InvalidReply, LLMParameters, StructuredAgent
from contract.base import Frozen, FrozenMap, JsonValue, thawed
from contract.calls import ModelReply
from contract.messages import AgentInput, AgentOutput, output_value
from contract.tools import STOP, AgentToolDefinition, HostChoice, UnifiedRequest


class SequenceInputs(Frozen):
    """The turn, supplied by the loop, and what the chosen step is to be given."""

    round: int = Field(default=1, ge=1)
    tools: tuple[AgentToolDefinition, ...] = ()
    arguments: FrozenMap = Field(default_factory=dict, validate_default=True)


class SequenceParameters(Frozen):
    """The steps in order, one a round; after the last the host answers `stop`."""

    sequence: tuple[str, ...] = Field(min_length=1)


class SequenceHost(Agent[SequenceInputs, SequenceParameters]):
    """Calls the steps of `sequence` in order, one a round."""

    Inputs = SequenceInputs
    Parameters = SequenceParameters
    Output = UnifiedRequest
    cached = False
    supplied_inputs = frozenset({"round", "tools"})

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:  # noqa: ARG002
        inputs, sequence = self.inputs(agent_input), self.parameters(agent_input).sequence
        step = sequence[inputs.round - 1] if inputs.round <= len(sequence) else STOP
        reason = f"number {inputs.round} in the sequence"
        request = UnifiedRequest(target=step, inputs=inputs.arguments, metadata={"reason": reason})
        return AgentOutput(value=output_value(request), note=f"next: {step}")


class LLMHostInputs(Frozen):
    """What a choosing host knows: the question, the steps it may choose, and how far the flow has come."""

    question: str
    tools: tuple[AgentToolDefinition, ...]
    round: int = Field(default=1, ge=1)
    missing: tuple[str, ...] = ()
    previous_queries: tuple[str, ...] = ()
    failures: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """What earlier choices asked for and why they brought nothing."""


class LLMHostParameters(LLMParameters):
    """As for every agent with a model."""

    template: str = "host"


class LLMHost(StructuredAgent[LLMHostInputs, LLMHostParameters, HostChoice]):
    """Asks a model which step comes next and with what arguments."""

    Inputs = LLMHostInputs
    Parameters = LLMHostParameters
    Output = UnifiedRequest
    Reply = HostChoice
    supplied_inputs = frozenset({"round", "tools", "failures"})

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        tools = self.inputs(agent_input).tools
        arguments: list[JsonValue] = [_arguments_schema(tool) for tool in tools]
        return {
            "type": "object",
            "additionalProperties": False,
            "required": ["target", "inputs", "reason"],
            "properties": {
                "target": {"type": "string", "enum": [*(tool.name for tool in tools), STOP]},
                "inputs": {"anyOf": [*arguments, {"type": "object", "properties": {}, "additionalProperties": False}]},
                "reason": {"type": "string", "maxLength": 300},
            },
        }

    def parse_reply(self, text: str, agent_input: AgentInput, services: AgentServices) -> HostChoice:
        choice = super().parse_reply(text, agent_input, services)
        tools = {tool.name: tool for tool in self.inputs(agent_input).tools}
        if choice.target == STOP:
            return choice
        if choice.target not in tools:
            chosen = f"it chose '{choice.target[:80]}', and there are {', '.join([*tools, STOP])}"
            raise InvalidReply(f"target is '{choice.target}', but must be one of {[*tools, STOP]}", chosen)
        schema, given = _arguments_schema(tools[choice.target]), thawed(choice.inputs)
        # Small models give arguments of other steps, too, which can never reach this one; the trace has the reply.
        taken = {name: value for name, value in given.items() if name in schema.get("properties", {})}
        if not _problems(schema, taken):
            return choice.model_copy(update={"inputs": taken})
        found = _problems(schema, given)[:5]
        text = "; ".join(f"inputs: {error.message}" for error in found)
        raise InvalidReply(text, argument_misfit(found, choice.target))

    def build_output(
        self,
        reply: HostChoice,
        model_reply: ModelReply,  # noqa: ARG002
        agent_input: AgentInput,  # noqa: ARG002
        services: AgentServices,  # noqa: ARG002
    ) -> UnifiedRequest:
        return reply.request()


def _arguments_schema(tool: AgentToolDefinition) -> dict[str, Any]:
    schema: dict[str, Any] = thawed(tool.input_schema)
    return {"type": "object", "additionalProperties": False, **schema}


def _problems(schema: dict[str, Any], arguments: Any) -> list[Any]:
    return [*Draft202012Validator(schema).iter_errors(arguments)]  # type: ignore[reportUnknownMemberType]
