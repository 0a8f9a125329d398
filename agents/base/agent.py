"""Agent: turns an `AgentInput` into an `AgentOutput`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from agents.base.services import AgentServices
from contract.base import Frozen, JsonValue, digest, thawed
from contract.errors import MissingInput
from contract.messages import AgentInput, AgentOutput
from contract.tools import AgentToolDefinition

InputsT = TypeVar("InputsT", bound=BaseModel)
ParametersT = TypeVar("ParametersT", bound=BaseModel)


class NoParameters(Frozen):
    """For agents that take none."""


class NoInputs(Frozen):
    """For agents that need only the record."""


class Agent(ABC, Generic[InputsT, ParametersT]):
    """Base class. A subclass names its types and implements `process`; it holds no state.

    `Inputs` fields without a default must be wired by the step's `inputs`; `Parameters` fields without one
    must be set. Both are checked against the YAML before anything runs, and so is every reference to a
    field of `Output`.
    """

    version: ClassVar[str] = "1"
    """Increased when the same input would now give another output: it is part of every cache key."""
    Inputs: ClassVar[type[BaseModel]] = NoInputs
    Parameters: ClassVar[type[BaseModel]] = NoParameters
    Output: ClassVar[type[BaseModel]]
    cached: ClassVar[bool] = True
    """False for agents that cost nothing to run again."""
    fetches_pages: ClassVar[bool] = False
    """True for agents that read pages of the web, which a replay takes as they were recorded."""
    searches_corpus: ClassVar[bool] = False
    """True for agents that search the flow's corpus: their output does not follow from their input alone."""
    uses_tools: ClassVar[bool] = False
    """True for agents whose steps name `tools`; the flow fills their inputs `tools` and `approve`."""
    supplied_inputs: ClassVar[frozenset[str]] = frozenset()
    """Inputs that the flow fills by itself: `tools` and `round` for a loop's host."""
    works_alone: ClassVar[bool] = False
    """For agents with `supplied_inputs`: True where a call outside a flow means something without them."""

    def inputs(self, agent_input: AgentInput) -> InputsT:
        """Returns the typed inputs. Null means `not produced upstream`. Raises MissingInput, naming what is missing."""
        return agent_input.memoize((type(self), "inputs"), lambda: self._inputs(agent_input))

    def _inputs(self, agent_input: AgentInput) -> InputsT:
        # Thawed, since Pydantic takes no tuple for a JsonValue.
        present = {name: thawed(value) for name, value in agent_input.inputs.items() if value is not None}
        try:
            return self.Inputs.model_validate(present)  # type: ignore[reportReturnType]
        except ValidationError as error:
            raise MissingInput(_validation_message(error)) from error

    def parameters(self, agent_input: AgentInput) -> ParametersT:
        """Returns the typed parameters. `flows.check` has validated them, so a failure here is a programming error."""
        validated: Any = agent_input.memoize(
            (type(self), "parameters"), lambda: self.Parameters.model_validate(agent_input.parameters)
        )
        return validated

    @classmethod
    def most_model_calls(cls, parameters: Mapping[str, JsonValue]) -> int:  # noqa: ARG003
        """Returns how many different requests one call may send to its model with these parameters, for plans."""
        return 1

    @abstractmethod
    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        """Makes one output of one input.

        Raises contract.errors.CellError (ModelError and its subclasses among them) when it cannot end well;
        refused and cut replies are outputs with that status.
        """

    def cache_key_parts(self, agent_input: AgentInput, services: AgentServices) -> JsonValue:
        """Returns all that the output depends on, as JSON: the cache key is a digest of it."""
        return [
            agent_input.record.fingerprint,
            digest(agent_input),
            services.index.fingerprint if services.index else None,
        ]

    @classmethod
    @cache
    def output_fingerprint(cls) -> str:
        """Digest of the output's JSON schema, so that results with an older schema are not reused."""
        return digest(cls.Output.model_json_schema(schema_generator=_WithoutAddedFields))

    @classmethod
    def tool_definition(cls, name: str, description: str, bound: frozenset[str] = frozenset()) -> AgentToolDefinition:
        """Returns this agent as a tool: the arguments are its inputs, without those that the flow binds itself."""
        schema: dict[str, Any] = cls.Inputs.model_json_schema()
        schema["properties"] = {k: v for k, v in schema.get("properties", {}).items() if k not in bound}
        schema["required"] = [k for k in schema.get("required", []) if k not in bound]
        schema.pop("title", None)
        if "$defs" in schema and "$ref" not in str(schema["properties"]):
            # What stays of the definitions is part of hosts' prompts, and so of keys.
            schema["$defs"] = cls.Inputs.model_json_schema(schema_generator=_WithoutAddedFields).get("$defs", {})
        return AgentToolDefinition(name=name, description=description, input_schema=schema)


class _WithoutAddedFields(GenerateJsonSchema):
    """The schema without fields that have `exclude_if`.

    They came after results were kept, and are not dumped where they say nothing, so that kept results stay valid.
    """

    def field_is_present(self, field: Any) -> bool:
        return super().field_is_present(field) and not field.get("serialization_exclude_if")


def _validation_message(error: ValidationError) -> str:
    messages = (f"{'.'.join(map(str, one['loc'])) or 'input'}: {one['msg'].lower()}" for one in error.errors())
    return "; ".join(messages)
