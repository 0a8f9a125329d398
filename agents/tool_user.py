"""ToolUser: finds something out with tools, in bounded rounds of calls.

In each round the model replies with calls or with its final answer, as one typed object: a tool that is not there
cannot be named. What a tool returns is shown between marks, and so is the reason where it returns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from agents.base.services import AgentServices
from agents.base.structured_agent import Asked, InvalidReply, LLMParameters, StructuredAgent, ask_model
from agents.llms.timed import TimedModels
from agents.llms.work_time import WorkMeter
from agents.prompting.fence import break_control_tokens, fence
from agents.tools.argument_schemas import argument_problems, argument_schema
from contract.base import Frozen, JsonValue, canonical_json, digest
from contract.calls import Message, ModelCall, ModelReply, ModelRequest, TextPart
from contract.errors import CellError, MissingInput, TurnTimeOver
from contract.messages import AgentInput, AgentOutput, OutputStatus, output_value
from contract.tool_calls import FinalAnswer, ToolCall, ToolRequest, ToolTurn, ToolUserAnswer
from contract.tools import AgentToolDefinition, UnifiedRequest

MAX_RESULT_CHARACTERS = 20_000
"""Characters of one result that the model is shown; the trace holds all of it."""
MAX_CALLS_PER_ROUND = 4
MIN_ANSWER_SECONDS = 120
"""A small model on this machine takes that long for an answer; a shorter time would lose what was found."""
_READ_OF_CALLS = {"tool", "arguments", "result", "error"}


class ToolUserInputs(Frozen):
    """What is asked. The flow supplies `tools` and `approve` from the step."""

    question: str = ""
    """Without it, `task` says what to find out about the record; without both, the record's text is the question."""
    tools: tuple[AgentToolDefinition, ...] = ()
    approve: tuple[str, ...] = ()


class ToolUserParameters(LLMParameters):
    """What to find out, and the bounds of a conversation."""

    template: str = "tool_user"
    task: str = ""
    """What to find out about each record, in your own words."""
    max_rounds: int = Field(default=4, ge=1, le=20)
    """Turns in which tools may be called; one more asks for the answer."""
    max_calls: int = Field(default=8, ge=1, le=50)
    """Calls of tools for one record, failed ones included."""
    max_seconds: float | None = Field(default=None, gt=0, exclude_if=lambda value: value is None)
    """How long models and tools may work before the answer is asked for; waits for a turn or a person do not count."""
    max_answer_seconds: float | None = Field(default=None, gt=0, exclude_if=lambda value: value is None)
    """With `max_seconds`: how long the answer may take then; as long again unless set, and at least two minutes."""


class ToolUser(StructuredAgent[ToolUserInputs, ToolUserParameters, ToolTurn]):
    """Answers with the help of tools."""

    Inputs = ToolUserInputs
    Parameters = ToolUserParameters
    Output = ToolUserAnswer
    Reply = ToolTurn
    uses_tools = True
    supplied_inputs = frozenset({"tools", "approve"})
    works_alone = True

    @classmethod
    def most_model_calls(cls, parameters: Mapping[str, JsonValue]) -> int:
        rounds: Any = parameters.get("max_rounds", cls.Parameters.model_fields["max_rounds"].default)
        return int(rounds) + 1

    def schema(self, agent_input: AgentInput, services: AgentServices) -> dict[str, JsonValue]:  # noqa: ARG002
        return turn_schema(self.inputs(agent_input).tools, self.parameters(agent_input).max_calls)

    def cache_key_parts(self, agent_input: AgentInput, services: AgentServices) -> JsonValue:
        parts = super().cache_key_parts(agent_input, services)
        searches = any("read_corpus" in tool.permissions for tool in self.inputs(agent_input).tools)
        return [parts, services.index.fingerprint if services.index and searches else None]

    def most_requests(self, agent_input: AgentInput, services: AgentServices) -> Sequence[ModelRequest]:
        request, parameters = self.request(agent_input, services), self.parameters(agent_input)
        results = "x" * (MAX_RESULT_CHARACTERS * parameters.max_calls // parameters.max_rounds)
        found = [request]
        for _ in range(parameters.max_rounds):
            found.append(_extended(found[-1], "", results, request.output_schema or {}))
        return found

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        conversation = _Conversation(self, agent_input, services)
        try:
            return await conversation.run()
        except CellError as error:
            error.calls, error.tools = (*conversation.calls, *error.calls), tuple(conversation.tool_calls)
            raise


def turn_schema(tools: Sequence[AgentToolDefinition], calls_left: int) -> dict[str, JsonValue]:
    """Returns the schema of a turn: calls of these tools, as many as are left, or the answer; or only the answer."""
    answer = _object({"answer": {"type": "string", "minLength": 1}})
    options: list[JsonValue] = [answer]
    if tools and calls_left > 0:
        calls: list[JsonValue] = [
            _object({"tool": {"type": "string", "enum": [tool.name]}, "arguments": argument_schema(tool)})
            for tool in tools
        ]
        most = min(calls_left, MAX_CALLS_PER_ROUND)
        options = [
            _object({"calls": {"type": "array", "minItems": 1, "maxItems": most, "items": {"anyOf": calls}}}),
            answer,
        ]
    return _object({"next": {"anyOf": options}})


def _object(properties: dict[str, Any]) -> dict[str, JsonValue]:
    return {"type": "object", "additionalProperties": False, "required": [*properties], "properties": properties}


class _Conversation:
    """One conversation, from the first request to the answer."""

    def __init__(self, agent: ToolUser, agent_input: AgentInput, services: AgentServices) -> None:
        self._agent, self._agent_input, self._services = agent, agent_input, services
        if services.tools is None:
            raise MissingInput("the step names no tools; add `tools:` with their names")
        self._caller = services.tools
        self._parameters = agent.parameters(agent_input)
        self._tools = {tool.name: tool for tool in agent.inputs(agent_input).tools}
        self._request = agent.request(agent_input, services)
        self._left = self._parameters.max_calls
        self._seconds, self._meter = self._parameters.max_seconds, WorkMeter()
        self._is_over = False
        self.calls = list[ModelCall]()
        self.tool_calls = list[ToolCall]()

    async def run(self) -> AgentOutput:
        """Returns the answer. Raises CellError; `calls` and `tool_calls` hold what was called until then."""
        with self._meter.counted():
            return await self._run()

    async def _run(self) -> AgentOutput:
        for rounds in range(self._parameters.max_rounds + 1):
            asked = await self._ask_in_time()
            if asked.value is None:
                return self._output(None, asked.status, asked.note)
            if isinstance(asked.value.next, FinalAnswer):
                return self._answered(asked.value.next.answer, rounds)
            called = [await self._call(request, rounds + 1) for request in asked.value.next.calls]
            self._continue(asked.reply, called, rounds + 1)
        raise AssertionError("the last turn can only be an answer")

    def _answered(self, answer: str, rounds: int) -> AgentOutput:
        at_bound = self._is_over or not self._left
        value = ToolUserAnswer(
            answer=answer,
            ended="at_bound" if at_bound else "answered",
            rounds=rounds,
            calls=len(self.tool_calls),
        )
        return self._output(value, "completed", f"answered because {self._bound()}" if at_bound else None)

    def _bound(self) -> str:
        """Which bound has ended the calls."""
        if self._is_over:
            return f"the {self._seconds:g} seconds for calls (max_seconds) were over"
        most = self._parameters.max_calls
        if len(self.tool_calls) >= most:
            return f"{'the only call' if most == 1 else f'all {most} calls'} (max_calls) had been made"
        rounds = self._parameters.max_rounds
        return f"{'the only turn' if rounds == 1 else f'all {rounds} turns'} with calls (max_rounds) had been used"

    def _output(self, value: ToolUserAnswer | None, status: OutputStatus, note: str | None) -> AgentOutput:
        found = None if value is None else output_value(value)
        return AgentOutput(value=found, status=status, calls=tuple(self.calls), tools=tuple(self.tool_calls), note=note)

    def _calls_left(self, rounds: int) -> int:
        return self._parameters.max_calls - len(self.tool_calls) if rounds < self._parameters.max_rounds else 0

    async def _ask_in_time(self) -> Asked[ToolTurn]:
        """Asks for the next turn; for the answer, in a time of its own, where no further call is possible."""
        if self._seconds is None:
            return await self._ask(self._services)
        if self._left:
            try:
                return await self._ask(self._timed(self._seconds, f"{self._seconds:g} seconds for calls (max_seconds)"))
            except TurnTimeOver as over:
                self.calls += over.calls
            self._is_over, self._left = True, 0
            self._request = _without_calls(self._request)
        seconds = self._parameters.max_answer_seconds or max(self._seconds, MIN_ANSWER_SECONDS)
        time = f"{seconds:g} seconds for the answer (max_answer_seconds)"
        return await self._ask(self._timed(self._meter.seconds + seconds, time))

    def _timed(self, until: float, time: str) -> AgentServices:
        return replace(self._services, models=TimedModels(self._services.models, self._meter, until, time))

    async def _ask(self, services: AgentServices) -> Asked[ToolTurn]:
        def read(reply: ModelReply) -> ToolTurn:
            turn = self._agent.parse_reply(reply.text, self._agent_input, self._services)
            self._check(turn)
            return turn

        asked = await ask_model(self._request, services, read)
        self.calls += asked.calls
        return asked

    def _check(self, turn: ToolTurn) -> None:
        """Raises InvalidReply for what the request's schema does not allow; not every service keeps to it."""
        if isinstance(turn.next, FinalAnswer):
            return
        most = min(self._left, MAX_CALLS_PER_ROUND)
        if not most:
            raise InvalidReply("no further call is possible; `next` must hold your `answer`")
        if unknown := next((call.tool for call in turn.next.calls if call.tool not in self._tools), None):
            raise InvalidReply(f"there is no tool '{unknown}'; there are {', '.join(self._tools)}")
        if len(turn.next.calls) > most:
            raise InvalidReply(f"`calls` holds {len(turn.next.calls)} calls, but at most {most} are possible now")

    async def _call(self, request: ToolRequest, round_number: int) -> ToolCall:
        definition = self._tools[request.tool]
        problems = argument_problems(definition, request.arguments)
        left = None if self._seconds is None else self._seconds - self._meter.seconds
        if problems:
            called = _uncalled(definition, request, f"not called, the arguments do not fit: {'; '.join(problems)}")
        elif left is not None and left <= 0:
            called = _uncalled(definition, request, "not called, the time for calls (max_seconds) was over")
        else:
            context: dict[str, JsonValue] = {"record": self._agent_input.record.record_id, "round": round_number}
            called = await self._caller.call(
                UnifiedRequest(target=request.tool, inputs=request.arguments, context=context), left
            )
        self.tool_calls.append(called)
        return called

    def _continue(self, reply: ModelReply, called: Sequence[ToolCall], rounds: int) -> None:
        """Makes the next request: the conversation so far, what the tools returned, and what is possible now."""
        left = self._left = self._calls_left(rounds)
        possible = (
            f"At most {left} more calls are possible, in at most {self._parameters.max_rounds - rounds} turns."
            if left
            else "No further call is possible. Give your final answer now, from what you have."
        )
        text = "\n\n".join([*(_shown(number, one) for number, one in enumerate(called, 1)), possible])
        # Without times: the replies of models that read the material are kept by it.
        calls: list[JsonValue] = [one.model_dump(mode="json", include=_READ_OF_CALLS) for one in self.tool_calls]
        material: dict[str, JsonValue] = {"calls": calls}
        self._request = _extended(self._request, reply.text, text, turn_schema([*self._tools.values()], left), material)


def _without_calls(request: ModelRequest) -> ModelRequest:
    """The same request, to which only the answer fits."""
    *before, last = request.messages
    over = TextPart(text="The time for calls is over. Give your final answer now, from what you have.")
    messages = (*before, last.model_copy(update={"parts": (*last.parts, over)}))
    return request.model_copy(update={"messages": messages, "output_schema": turn_schema([], 0)})


def _extended(
    request: ModelRequest, reply: str, text: str, schema: Any, material: dict[str, JsonValue] | None = None
) -> ModelRequest:
    turns = (
        Message(role="assistant", parts=(TextPart(text=break_control_tokens(reply) or "(empty)"),)),
        Message(role="user", parts=(TextPart(text=text),)),
    )
    update: dict[str, Any] = {
        "messages": (*request.messages, *turns),
        "output_schema": schema,
        "material": {**request.material, **(material or {})},
    }
    return request.model_copy(update=update)


def _uncalled(definition: AgentToolDefinition, request: ToolRequest, error: str) -> ToolCall:
    now = datetime.now(UTC)
    key = digest([definition.name, request.arguments])
    return ToolCall(key=key, tool=request.tool, arguments=request.arguments, error=error, started=now, ended=now)


def _shown(number: int, call: ToolCall) -> str:
    if call.error is not None:
        return f"Call {number} of this turn gave no result:\n{fence(call.error, f'error of {call.tool}')}"
    text = call.result if isinstance(call.result, str) else canonical_json(call.result)
    cut = (
        f"\nOnly the first {MAX_RESULT_CHARACTERS} of {len(text)} characters are shown."
        if len(text) > MAX_RESULT_CHARACTERS
        else ""
    )
    by_person = " A person changed its arguments." if call.decision == "modified" else ""
    shown = fence(text[:MAX_RESULT_CHARACTERS], f"result of {call.tool}")
    return f"Call {number} of this turn returned:{by_person}\n{shown}{cut}"
