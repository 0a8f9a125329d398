"""How a reply's structure is asked for, and the next simpler way where a service refuses one.

A server may not know JSON schemas, or not this one. It says so before it answers, so that the second request costs
nothing. Which way worked is remembered for each type of reply, so that a run asks in one way for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic_ai import exceptions
from pydantic_ai.messages import InstructionPart, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.tools import ToolDefinition

from agents.llms.hosted.pydantic_ai_service import send_request
from agents.llms.sending import sending_ends
from contract.calls import ModelRequest
from contract.errors import NeedsAnotherTurn
from contract.models import HostedModel
from contract.service_options import Structured

_SIMPLER: Mapping[Structured, Structured] = {"schema": "json", "json": "prompt", "tool": "prompt"}
_STRICT_PROVIDERS = frozenset({"openai", "azure"})
"""Strict mode keeps the reply within the schema, but moves limits of length into descriptions.
Other servers enforce limits of length in their grammars, so for them the limits stay in the schema."""
_OF_STRUCTURE = re.compile(
    r"(?i)response.?format|json.?schema|json.?mode|json output|response.?schema|structured.?output|output_config|"
    r"output_format|grammar|guided|tool_choice|tool use|function.?call|"
    r"\btools?\b.{0,40}support|support.{0,40}\btools?\b"
)
_INSTRUCTION = "Reply with one JSON object that fits this JSON schema, and with nothing else:\n\n{schema}"
_Refusal = exceptions.ModelHTTPError | exceptions.UserError
_REFUSING_STATUSES = frozenset({400, 404, 415, 422, 501})


class StructuredCalls:
    """Makes the calls of one model, each in the way that its service takes."""

    def __init__(self, model: Model, config: HostedModel) -> None:
        self._model = model
        self._config = config
        self._configured: Structured = config.structured or (
            "schema" if model.profile.get("supports_json_schema_output", False) else "tool"
        )
        self._current = dict[str | None, Structured]()
        """Type of reply -> the way that is used, or tried next, where the configured one was refused."""
        self._first = dict[str | None, tuple[Structured, _Refusal]]()
        """Type of reply -> the way that was refused first, and how, while no simpler one has worked."""
        self._hopeless = set[str | None]()
        """Types of reply for which every simpler way was refused, too."""

    def simpler_way(self, request: ModelRequest) -> Structured | None:
        """The way that is used for the request's type of reply, where it is not the configured one."""
        return self._current.get(request.output_name) if request.output_schema is not None else None

    async def send(self, request: ModelRequest) -> ModelResponse:
        """Makes one HTTP call, and one for each way that is refused for the first time. Raises what pydantic-ai does.

        Where no way is left, the refusal of the first is raised: it is about what the configuration says.
        Within a turn of the limits per minute a call is one request: NeedsAnotherTurn is raised, and the next call asks
        in the next way.
        """
        if request.output_schema is None:
            return await self._send(request, ModelRequestParameters())
        name = request.output_name
        while True:
            way = self._current.get(name, self._configured)
            try:
                response = await self._send(request, self._parameters(request, way))
            except (exceptions.ModelHTTPError, exceptions.UserError) as error:
                if not _refuses_structure(error):
                    raise
                self._step_down(name, way, error)
                was_sent = isinstance(error, exceptions.ModelHTTPError)
            else:
                self._first.pop(name, None)
                return response
            if was_sent and sending_ends() is not None:
                raise NeedsAnotherTurn

    def _step_down(self, name: str | None, way: Structured, refusal: _Refusal) -> None:
        """Takes the next simpler way for that type of reply. Raises the first refusal where none is left."""
        if name in self._hopeless:
            raise refusal
        if way != self._current.get(name, self._configured):
            # Another call has met the refusal, too, and has stepped down.
            return
        first_way, first_refusal = self._first.setdefault(name, (way, refusal))
        simpler = _SIMPLER.get(way)
        if simpler == "json" and not self._promises_json:
            simpler = _SIMPLER[simpler]
        if simpler:
            self._current[name] = simpler
            return
        self._hopeless.add(name)
        del self._first[name]
        if first_way == self._configured:
            self._current.pop(name, None)
        else:
            self._current[name] = first_way
        raise first_refusal

    @property
    def _promises_json(self) -> bool:
        """Whether the service can promise JSON without a schema; where it cannot, `json` asks as `prompt` does."""
        return bool(self._model.profile.get("supports_json_object_output", False))

    async def _send(self, request: ModelRequest, parameters: ModelRequestParameters) -> ModelResponse:
        return await send_request(self._model, self._config, request, parameters)

    def _parameters(self, request: ModelRequest, way: Structured) -> ModelRequestParameters:
        schema: dict[str, Any] = request.model_dump(include={"output_schema"})["output_schema"]
        name = request.output_name or "reply"
        output = OutputObjectDefinition(
            schema, name=name, strict=True if self._config.provider in _STRICT_PROVIDERS else None
        )
        match way:
            case "schema":
                return ModelRequestParameters(output_mode="native", output_object=output)
            case "json":
                if not self._promises_json:
                    return self._parameters(request, "prompt")
                return ModelRequestParameters(
                    output_mode="prompted", output_object=output, prompted_output_template=_INSTRUCTION
                )
            case "prompt":
                template = ModelRequestParameters(
                    output_mode="prompted", output_object=output, prompted_output_template=_INSTRUCTION
                )
                instruction = InstructionPart(content=template.prompted_output_instructions or "")
                return ModelRequestParameters(output_mode="text", instruction_parts=[instruction])
            case "tool":
                tool = ToolDefinition(
                    name=name,
                    description="Give the reply.",
                    parameters_json_schema=schema,
                    kind="output",
                    sequential=True,
                )
                return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)


def _refuses_structure(error: _Refusal) -> bool:
    if isinstance(error, exceptions.ModelHTTPError):
        return error.status_code in _REFUSING_STATUSES and bool(_OF_STRUCTURE.search(f"{error.body}"))
    return "not supported by this model" in str(error)
