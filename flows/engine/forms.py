"""Forms at a Prefect server's page: a child run pauses until a person has filled one in.

What is filled in stays on the server, also when the process that waited was killed: the next run finds it there.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast
from uuid import UUID, uuid4

import httpx
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.flow_runs import pause_flow_run, suspend_flow_run
from prefect.input import RunInput
from prefect.states import Cancelled, Running
from pydantic import BaseModel, Field, create_model

from contract.base import JsonValue, thawed
from contract.flow import GateField
from contract.questions import Question
from flows.gates.desk import MAX_QUESTIONS_IN_FORM, Desk
from flows.gates.kept_answers import FormPlace
from flows.gates.read_answer import option_labels, shown_text

_TYPES: Mapping[str, type] = {"yes_no": bool, "text": str, "number": float}
_GRACE_SECONDS = 3600
"""The server fails a paused run whose time is up; we wait less, so that the run can go on."""
_SUSPENDED_SECONDS = 10 * 365 * 24 * 3600
"""A suspended run costs nothing, so it may wait as long as it takes."""
_LOOK_SECONDS = 2.0
_NOT_THERE = (ObjectNotFound, PrefectHTTPStatusError, httpx.HTTPError)
"""What the client raises for a run that another server had, and where no server answers."""
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


class PrefectForms:
    """Shows forms within the current flow run."""

    async def ask(
        self, questions: Sequence[Question], mistakes: Mapping[str, Sequence[str]], seconds: float, desk: Desk
    ) -> Mapping[str, Mapping[str, JsonValue]]:
        """What was filled in, by key; nothing after `seconds`, or when the answers have come from elsewhere."""
        context = FlowRunContext.get()
        if context is None or context.flow_run is None:
            raise RuntimeError("a form is shown by a flow run")
        run, pause_key = context.flow_run.id, uuid4().hex
        sections = section_names(questions)
        for one in questions:
            response = f"paused-{pause_key}-response"
            place = FormPlace(flow_run_id=str(run), response_key=response, section=sections[one.key])
            await desk.kept.add_form(one, place)
        form, timeout = form_of(questions, mistakes), int(seconds) + _GRACE_SECONDS
        pausing: Any = pause_flow_run(wait_for_input=form, timeout=timeout, poll_interval=1, key=pause_key)
        filled = await _first_of(pausing, _answered_elsewhere(questions, desk), seconds)
        if filled is None:
            async with get_client() as client:
                await client.set_flow_run_state(run, Running(), force=True)
            return {}
        return by_question(questions, filled.model_dump(mode="json"))

    async def filled_in(self, place: FormPlace) -> Mapping[str, JsonValue] | None:
        """What was filled in at a form that nobody waits for any more."""
        try:
            async with get_client() as client:
                text = await client.read_flow_run_input(UUID(place.flow_run_id), place.response_key)
        except _NOT_THERE:
            return None
        values: Any = json.loads(text)
        return cast("Mapping[str, JsonValue]", values.get(place.section, {}) if place.section else values)

    async def close(self, place: FormPlace) -> None:
        """Ends a run that shows a form which nobody waits for any more; does nothing to one that has ended."""
        try:
            async with get_client() as client:
                run = await client.read_flow_run(UUID(place.flow_run_id))
                if run.state and run.state.is_paused() and run.deployment_id is None:
                    message = "This form is no longer waited for: its process was killed."
                    await client.set_flow_run_state(run.id, Cancelled(message=message), force=True)
        except _NOT_THERE:
            return


async def suspend_for(questions: Sequence[Question], desk: Desk) -> None:
    """Suspends the current run of a deployment until somebody has filled in its form; its process then ends.

    When it is resumed the flow begins anew, and finds what was filled in. Returns only if the server suspends nothing.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("only a flow run can be suspended")
    group, pause_key = questions[:MAX_QUESTIONS_IN_FORM], uuid4().hex
    sections = section_names(group)
    for one in group:
        response = f"suspended-{pause_key}-response"
        place = FormPlace(flow_run_id=str(context.flow_run.id), response_key=response, section=sections[one.key])
        await desk.kept.add_form(one, place)
    mistakes = {one.key: desk.mistakes.get(one.key, ()) for one in group}
    suspending: Any = suspend_flow_run(
        wait_for_input=form_of(group, mistakes), timeout=_SUSPENDED_SECONDS, key=pause_key
    )
    await suspending


async def _first_of(pausing: Any, watching: Any, seconds: float) -> RunInput | None:
    """What the form brings; None when time is up or `watching` has ended before."""
    tasks = [asyncio.ensure_future(pausing), asyncio.ensure_future(watching)]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _answered_elsewhere(questions: Sequence[Question], desk: Desk) -> None:
    """Returns when somebody has answered all of it in another way."""
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if all([await desk.is_answered(one) for one in questions]):
            return


def section_names(questions: Sequence[Question]) -> dict[str, str]:
    """The part of a form that each question has, by its key; empty where the form holds one question only."""
    if len(questions) == 1:
        return {questions[0].key: ""}
    return {one.key: f"question_{number}" for number, one in enumerate(questions, 1)}


def by_question(questions: Sequence[Question], filled: Mapping[str, Any]) -> dict[str, Mapping[str, JsonValue]]:
    """What was filled in, by the keys of the questions."""
    sections = section_names(questions)
    return {one.key: filled.get(sections[one.key], {}) if sections[one.key] else filled for one in questions}


def form_of(questions: Sequence[Question], mistakes: Mapping[str, Sequence[str]]) -> type[RunInput]:
    """The form for one question, or with a section for each of several."""
    described = [_description(one, mistakes.get(one.key, ())) for one in questions]
    if len(questions) == 1:
        form: Any = create_model("Answer", __base__=RunInput, **_fields(questions[0], is_section=False))
        return form.with_initial_data(description=described[0])
    sections: dict[str, Any] = {}
    for one, name in zip(questions, section_names(questions).values(), strict=True):
        model = create_model(f"Section_{name}", __base__=BaseModel, **_fields(one, is_section=True))
        sections[name] = (
            model,
            Field(default_factory=model, title=f"{one.gate}, {one.record_id}", description=one.question),
        )
    form = create_model("Answers", __base__=RunInput, **sections)
    numbered = [f"## question_{number}\n\n{text}" for number, text in enumerate(described, 1)]
    return form.with_initial_data(description="\n\n".join(numbered))


def _fields(question: Question, *, is_section: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    asks_fields_only = not question.decide and not is_section
    if not asks_fields_only:
        decisions: Any = Literal[(*(("later",) if is_section else ()), *question.decisions)]  # type: ignore[reportInvalidTypeForm]
        default = "later" if is_section else ...
        found["decision"] = (decisions, Field(default=default, description=_decision_help(question)))
    if "edit" in question.decide:
        text = "Read for `edit` only: the value as it is to go on."
        found["value"] = (str, Field(default=shown_text(thawed(question.value)), description=text))
    if "choose" in question.decide:
        choices: Any = Literal[("", *option_labels(question.options))]  # type: ignore[reportInvalidTypeForm]
        found["choice"] = (choices, Field(default="", description="Read for `choose` only."))
    for name, field in question.fields.items():
        found[name] = _plain_field(field) if asks_fields_only else _optional_field(field)
    if not asks_fields_only or "comment" not in question.fields:
        found["comment"] = (str, Field(default="", description="Why; kept with the answer."))
        found["by"] = (str, Field(default="", description="Who answers; kept with the answer."))
    return found


def _decision_help(question: Question) -> str:
    about = {
        "edit": "edit: goes on as you change it below", "stop": "stop: ends this record here",
        "choose": "choose: the option that you pick below", "reject": "reject: does not go on",
    }  # fmt: skip
    return "; ".join(about[one] for one in question.decide if one in about)


def _plain_field(field: GateField) -> tuple[Any, Any]:
    if field.default is None:
        return _TYPES[field.type], Field(description=field.description)
    return _TYPES[field.type], Field(default=field.default, description=field.description)


def _optional_field(field: GateField) -> tuple[Any, Any]:
    """A field that may be left blank, since the person may decide for something else."""
    kind: Any = Literal["", "yes", "no"] if field.type == "yes_no" else str
    default = {True: "yes", False: "no", None: ""}.get(cast("Any", field.default), str(field.default))
    return kind, Field(default=default, description=field.description)


def _description(question: Question, mistakes: Sequence[str]) -> str:
    """What is shown above the form. Texts from outside are escaped: they are shown, and form no page."""
    shown = [f"**{name}**: {_escaped(shown_text(thawed(value)))}" for name, value in question.shown.items()]
    wrong = [f"**What was entered cannot be taken:** {_escaped('; '.join(mistakes))}"] if mistakes else []
    record = f"Record {_escaped(question.record_id)}" + (f", round {question.round}" if question.round else "")
    return "\n\n".join([question.question, *wrong, *shown, record])


def _escaped(text: str) -> str:
    return _PUNCTUATION.sub(r"\\\1", text)
