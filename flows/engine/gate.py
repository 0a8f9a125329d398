"""Gates: a flow run pauses until a person answers in the Prefect UI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from pydantic import Field, create_model

from contract.base import JsonValue
from contract.errors import RunError
from contract.flow import Gate, GateField

_FIELD_TYPES: dict[str, type] = {"yes_no": bool, "text": str, "number": float}


async def ask_person(gate: Gate, shown: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Waits for a person's answer in the Prefect UI. Raises RunError when there is none in time."""
    answer = await pause_for(_gate_form(gate, shown), gate.gate, gate.timeout_seconds)
    return answer.model_dump(mode="json")


async def pause_for(form: type[RunInput], question: str, timeout_seconds: int) -> RunInput:
    """Pauses the current flow run until a person has filled in the form. Raises RunError when nobody has in time."""
    pausing: Any = pause_flow_run(wait_for_input=form, timeout=timeout_seconds, poll_interval=1)
    try:
        return await pausing
    except FlowPauseTimeout:
        raise RunError(
            f"no answer to '{question}' within {timeout_seconds} s; the same command asks again, and nothing is "
            "paid for twice"
        ) from None


def _gate_form(gate: Gate, shown: Mapping[str, JsonValue]) -> type[RunInput]:
    fields: dict[str, Any] = {name: (_FIELD_TYPES[field.type], _field(field)) for name, field in gate.fields.items()}
    form: type[RunInput] = create_model("GateAnswer", __base__=RunInput, **fields)
    lines = [f"**{name}**: {value}" for name, value in shown.items()]
    return form.with_initial_data(description="\n\n".join([gate.gate, *lines]))


def _field(field: GateField) -> Any:
    if field.default is None:
        return Field(description=field.description)
    return Field(default=field.default, description=field.description)
