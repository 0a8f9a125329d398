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
    form = _gate_form(gate, shown)
    pausing: Any = pause_flow_run(wait_for_input=form, timeout=gate.timeout_seconds, poll_interval=1)
    try:
        answer: RunInput = await pausing
    except FlowPauseTimeout:
        raise RunError(
            f"no answer to '{gate.gate}' within {gate.timeout_seconds} s; the same command asks again, and nothing is "
            "paid for twice"
        ) from None
    return answer.model_dump(mode="json")


def _gate_form(gate: Gate, shown: Mapping[str, JsonValue]) -> type[RunInput]:
    fields: dict[str, Any] = {name: (_FIELD_TYPES[field.type], _field(field)) for name, field in gate.fields.items()}
    form: type[RunInput] = create_model("GateAnswer", __base__=RunInput, **fields)
    lines = [f"**{name}**: {value}" for name, value in shown.items()]
    return form.with_initial_data(description="\n\n".join([gate.gate, *lines]))


def _field(field: GateField) -> Any:
    if field.default is None:
        return Field(description=field.description)
    return Field(default=field.default, description=field.description)
