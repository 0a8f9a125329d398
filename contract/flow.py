"""FlowSpec: a flow as a study's YAML declares it, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from contract.base import Frozen, JsonValue
from contract.measures import Measures

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]


MAX_REPEATS = 100
MAX_LOOP_SECONDS = 30 * 24 * 3600


class Step(Frozen):
    """A node that runs one agent, once for each variant and repeat."""

    agent: str
    """A name from `python -m flows list`."""
    description: str = ""
    inputs: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    """Name in the agent -> reference: `step`, `step.field`, `record.field`, `parameters.name`,
    `previous.step.field` (the round before, in a loop); after the first word, JMESPath.
    A step that declares `variants` or `repeats` gives a list, any other step one value."""
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    variants: dict[str, tuple[JsonValue, ...]] = Field(default_factory=dict)
    """Parameter -> values; every combination is a variant."""
    repeats: int | None = Field(default=None, ge=1, le=MAX_REPEATS)
    group_by: tuple[str, ...] = ()
    """Variant dimensions of the inputs: one cell for each of their values, given only matching inputs."""
    for_each: str | None = None
    """An input that is a list: one cell for each of its items."""
    min_inputs: int = Field(default=0, ge=0)
    """With fewer listed inputs than this, the step is skipped with the reason."""
    when: str | None = None
    """A condition over inputs, `record`, `parameters`, steps; false skips the step with the reason."""
    tools: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """The tools that the agent may use, from `python -m flows list`. A tool of an outside server is written
    `server.tool`."""
    approve: tuple[str, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Those of `tools` about whose calls a person is asked first."""


class Loop(Frozen):
    """A bounded loop: its steps run in turn until `until` holds, or `max_rounds` or `max_seconds` is reached.

    With `host`, that step's typed answer picks which one of `choices` runs in the round and with what
    arguments; the others are skipped, and `stop` ends the loop.
    """

    loop: dict[Name, Node]
    max_rounds: int = Field(ge=1, le=20)
    max_seconds: float | None = Field(default=None, gt=0, le=MAX_LOOP_SECONDS, exclude_if=lambda value: value is None)
    """How long its steps may work for one record, all rounds together. Waits for a turn and for people do not count.
    What is under way then is given up and nothing further begins; the steps after the loop go on with what there is."""
    until: str | None = None
    host: str | None = None
    choices: tuple[str, ...] = ()
    approve: tuple[str, ...] = ()
    """Those of `choices` before which a person is asked, at a gate that shows the arguments; a no skips the step."""
    when: str | None = None
    description: str = ""


class GateField(Frozen):
    """One thing that a person is asked at a gate."""

    type: Literal["yes_no", "text", "number"] = "text"
    description: str = ""
    default: JsonValue = None


GateDecision = Literal["approve", "reject", "edit", "choose"]
TimeoutPolicy = Literal["wait", "reject", "skip", "fail"]


class Gate(Frozen):
    """A human gate: what depends on it waits for a person's answer, however long that takes.

    With `decide`, later steps see `decision`, `approved` (yes or no), `value` and `comment`, beside the fields.
    """

    gate: str
    """What the person is asked."""
    who: str = Field(default="", exclude_if=lambda value: not value)
    """Who is to answer, in words: the editor, whoever knows the language."""
    decide: tuple[GateDecision, ...] = Field(default=(), exclude_if=lambda value: not value)
    """What the person may decide; without it, the person fills in `fields` only."""
    value: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """The input that is decided about: it goes on as `value` when approved, with `edit` as the person changed it."""
    options: str | tuple[JsonValue, ...] = Field(default=(), exclude_if=lambda value: not value)
    """What `choose` chooses from: values, or the name of an input that is a list."""
    fields: dict[Name, GateField] = Field(default_factory=dict)
    inputs: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    """What the person is shown."""
    when: str | None = None
    timeout_seconds: int = Field(default=3600, ge=1)
    """Counted from when the person was first asked. A run that is under way waits at most so long for a form."""
    on_timeout: TimeoutPolicy = Field(default="wait", exclude_if=lambda value: value == "wait")
    """What happens without an answer in time. `wait`: it stays open. `reject`: as if rejected. `skip`: what depends on
    it is skipped for the record. `fail`: it has no output. Nothing is ever approved by itself."""
    description: str = ""


def _node_kind(value: Any) -> str:
    keys = set[Any](value if isinstance(value, Mapping) else getattr(type(value), "model_fields", ()))  # type: ignore[reportUnknownArgumentType]
    if "loop" in keys:
        return "loop"
    return "gate" if "gate" in keys else "step"


Node: TypeAlias = Annotated[
    Annotated[Step, Tag("step")] | Annotated[Loop, Tag("loop")] | Annotated[Gate, Tag("gate")],
    Discriminator(_node_kind),
]


class FlowParameter(Frozen):
    """One value that a user may give when starting the flow."""

    type: Literal["text", "integer", "number", "yes_no"] = "text"
    description: str = ""
    default: JsonValue = None
    required: bool = False
    choices: tuple[JsonValue, ...] = ()
    example: str = ""
    """The value for a command that gives none at all, where there is no terminal at which to ask for it."""


class FlowSpec(Frozen):
    """A whole flow."""

    name: Name
    description: str = ""
    parameters: dict[Name, FlowParameter] = Field(default_factory=dict)
    records: str
    """Where records come from: `parameters.<name>` makes one record of that text; else a storage's name."""
    corpus: str | None = None
    """The storage that `search` steps look in."""
    steps: dict[Name, Node] = Field(min_length=1)
    result: str | None = None
    """The step whose output is the flow's result; a study's results are its tables."""
    measures: Measures | None = None
    """What a study's tables and report compare."""
    save: tuple[str, ...] = ()
    """Storages that the cells go to when the run is over; saving the same cells again changes nothing there."""
    content_warning: str = ""
    """Shown in the report before any text of a record; texts are then masked until the reader asks for them."""


Loop.model_rebuild()
FlowSpec.model_rebuild()
