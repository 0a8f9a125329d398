"""Agents that tests wire into flows, and their registration for one test."""

from __future__ import annotations

import asyncio
from importlib.metadata import EntryPoint

import pytest

import agents.base.registry as registry
from agents.base.agent import Agent
from agents.base.services import AgentServices
from contract.base import Frozen, JsonValue
from contract.messages import AgentInput, AgentOutput, output_value


class EchoInputs(Frozen):
    """Anything, under two names."""

    given: JsonValue = None
    other: JsonValue = None


class EchoParameters(Frozen):
    """What to say; `tone` only makes variants, `fail_on` raises for what is given so, `hang_on` never ends for it."""

    say: str = ""
    tone: str = ""
    fail_on: str | None = None
    hang_on: str | None = None


class Echoed(Frozen):
    """All that the agent saw."""

    text: str
    given: JsonValue = None
    other: JsonValue = None
    record: str
    items: tuple[JsonValue, ...] = ()


class Echo(Agent[EchoInputs, EchoParameters]):
    """Returns what it was given. Raises a plain ZeroDivisionError where `fail_on` asks for it."""

    Inputs = EchoInputs
    Parameters = EchoParameters
    Output = Echoed
    cached = False

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        inputs, parameters = self.inputs(agent_input), self.parameters(agent_input)
        if parameters.fail_on is not None and parameters.fail_on in (agent_input.record.text, parameters.tone):
            raise ZeroDivisionError("a bug in an agent")
        if parameters.hang_on == agent_input.record.text:
            await asyncio.Event().wait()
        text = parameters.say or f"{parameters.tone}{agent_input.record.text}"
        items = tuple(inputs.given) if isinstance(inputs.given, list | tuple) else ()
        record = agent_input.record.record_id
        output = Echoed(text=text, given=inputs.given, other=inputs.other, record=record, items=items)
        return AgentOutput(value=output_value(output))


class LookInputs(Frozen):
    """One thing that must be there."""

    what: str
    known: JsonValue = None


class Look(Agent[LookInputs, EchoParameters]):
    """Needs an input, so that it can be missing, or be a host's argument."""

    Inputs = LookInputs
    Parameters = EchoParameters
    Output = Echoed
    cached = False

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        inputs = self.inputs(agent_input)
        output = Echoed(text=inputs.what, given=inputs.known, record=agent_input.record.record_id)
        return AgentOutput(value=output_value(output))


class FragileKey(Echo):
    """Has a bug where its cache key is made."""

    cached = True

    def cache_key_parts(self, agent_input: AgentInput, services: AgentServices) -> JsonValue:
        raise ZeroDivisionError("a bug in a cache key")


class Tally(Frozen):
    """A count and whether it is enough."""

    count: int
    enough: bool


class CounterInputs(Frozen):
    """The count so far."""

    before: int = 0


class CounterParameters(Frozen):
    """When it is enough."""

    enough_at: int = 2


class Counter(Agent[CounterInputs, CounterParameters]):
    """Adds one to what it is given."""

    Inputs = CounterInputs
    Parameters = CounterParameters
    Output = Tally
    cached = False

    async def process(self, agent_input: AgentInput, services: AgentServices) -> AgentOutput:
        count = self.inputs(agent_input).before + 1
        tally = Tally(count=count, enough=count >= self.parameters(agent_input).enough_at)
        return AgentOutput(value=output_value(tally))


_AGENT_CLASSES = {"echo": "Echo", "gather": "Echo", "look": "Look", "fragile_key": "FragileKey", "counter": "Counter"}


def register_test_agents(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adds these agents to the installed ones, as another package's entry points would."""
    entries = {
        name: EntryPoint(name, f"tests.support.agents:{kind}", registry.ENTRY_POINT_GROUP)
        for name, kind in _AGENT_CLASSES.items()
    }
    agents = {**registry.installed_agents(), **entries}
    monkeypatch.setattr(registry, "installed_agents", lambda: agents)
    monkeypatch.setattr("flows.spec.agent_registry.installed_agents", lambda: agents)
