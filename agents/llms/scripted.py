"""Scripted: a Model whose replies come from a JSONL file or a function, for tests and replays.

    {"match": "weather", "reply": {"verdict": "unclear"}}
    {"regex": "(?i)secret", "reply": "I cannot help with that.", "finish_reason": "refusal"}
    {"output_name": "ResearchDraft", "error": "RateLimited", "retry_after": 2, "times": 1}
    {"reply": "anything else"}

The first line that matches a request answers it. A line with `times` answers that many times and is then skipped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from agents.llms.json_reply import parse_json
from agents.llms.model import NamedModel
from contract.base import Frozen, JsonValue, canonical_json, digest
from contract.calls import FinishReason, ModelReply, ModelRequest, Usage
from contract.errors import (
    ModelRejected,
    ModelTimeout,
    ModelUnavailable,
    Problem,
    RateLimited,
    ReplyBroken,
    StudyError,
    Transient,
)
from contract.models import ScriptedModel

_TRANSIENT: dict[str, type[Transient]] = {
    error.__name__: error for error in (RateLimited, ModelTimeout, ModelUnavailable, ReplyBroken)
}
_CHARACTERS_PER_TOKEN = 4


class ScriptLine(Frozen):
    """One line of a script: which requests it matches, and its reply."""

    match: str | None = None
    """A text that must occur in the messages."""
    regex: str | None = None
    """Pattern that must be found in the messages."""
    output_name: str | None = None
    reply: JsonValue = None
    """Text, or JSON for a request with a schema."""
    finish_reason: FinishReason = "stop"
    error: Literal["RateLimited", "ModelTimeout", "ModelUnavailable", "ReplyBroken", "ModelRejected"] | None = None
    retry_after: float | None = None
    """Seconds that a transient error asks to wait."""
    times: int | None = Field(default=None, ge=1)
    """How often this line answers; None means always."""

    @field_validator("regex")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _has_reply_or_error(self) -> ScriptLine:
        if self.reply is None and self.error is None:
            raise ValueError("a line needs `reply` or `error`")
        return self

    def matches(self, request: ModelRequest) -> bool:
        """Whether this line answers `request`."""
        text = "\n".join(message.text for message in request.messages)
        return (
            (self.output_name is None or self.output_name == request.output_name)
            and (self.match is None or self.match in text)
            and (self.regex is None or re.search(self.regex, text) is not None)
        )


ScriptFunction = Callable[[ModelRequest], ModelReply | str]


class Scripted(NamedModel):
    """A Model that answers from a script. `calls` counts its requests, errors included.

    It can be declared to see pictures, so that a study with pictures can be tried. It reads no picture.
    """

    def __init__(
        self, name: str, script: Sequence[ScriptLine] | ScriptFunction, *, version: str = "1", sees_images: bool = False
    ) -> None:
        # A changed script is another model: replies of the old script must not be found for it.
        fingerprint = digest(["scripted", version, [] if callable(script) else list(script)])
        super().__init__(name, fingerprint, sees_images=sees_images)
        self._answer = script if callable(script) else _Script(name, script)
        self.calls = 0
        self.requests: list[ModelRequest] = []

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns the scripted reply. Raises the scripted error, or ModelRejected if no line matches."""
        self.calls += 1
        self.requests.append(request)
        answer = self._answer(request)
        return scripted_reply(request, answer) if isinstance(answer, str) else answer

    async def aclose(self) -> None:
        """Does nothing: there is nothing to close."""


class _Script:
    def __init__(self, name: str, lines: Sequence[ScriptLine]) -> None:
        self._name = name
        self._lines = list(lines)
        self._used = [0] * len(self._lines)

    def __call__(self, request: ModelRequest) -> ModelReply:
        for index, line in enumerate(self._lines):
            if line.matches(request) and (line.times is None or self._used[index] < line.times):
                self._used[index] += 1
                return self._reply(line, request)
        last_message = request.messages[-1].text[:80]
        output = request.output_name or "plain text"
        raise ModelRejected(
            f"the script of '{self._name}' has no line for this request "
            f"(output {output}, last message '{last_message}…'); add a line that matches it"
        )

    def _reply(self, line: ScriptLine, request: ModelRequest) -> ModelReply:
        if line.error is not None:
            message = f"scripted {line.error} from '{self._name}'"
            if line.error in _TRANSIENT:
                raise _TRANSIENT[line.error](message, retry_after=line.retry_after)
            raise ModelRejected(message)
        text = line.reply if isinstance(line.reply, str) else canonical_json(line.reply)
        return scripted_reply(request, text, line.finish_reason)


def scripted_reply(request: ModelRequest, text: str, finish_reason: FinishReason = "stop") -> ModelReply:
    """`text` as a reply to `request` that costs nothing, with one token counted for every four characters."""
    now = datetime.now(UTC)
    input_characters = sum(len(message.text) for message in request.messages)
    return ModelReply(
        text=text,
        parsed=parse_json(text) if request.output_schema is not None else None,
        finish_reason=finish_reason,
        usage=Usage(
            input_tokens=input_characters // _CHARACTERS_PER_TOKEN, output_tokens=len(text) // _CHARACTERS_PER_TOKEN
        ),
        cost_usd=Decimal(0),
        served_by="scripted",
        started=now,
        ended=now,
    )


def read_script(path: Path) -> list[ScriptLine]:
    """The lines of a script file; blank lines are skipped.

    Raises StudyError with one Problem for each mistake in a line, or one for a file that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(str(path), "the script of a model cannot be read", todo="check the path")
        raise StudyError([problem]) from error
    lines: list[ScriptLine] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            lines.append(ScriptLine.model_validate_json(line))
        except ValidationError as error:
            problems += [_problem(f"{path}:{number}", mistake) for mistake in error.errors()]
    if problems:
        raise StudyError(problems)
    return lines


def _problem(where: str, mistake: ErrorDetails) -> Problem:
    name = ".".join(map(str, mistake["loc"]))
    if mistake["type"] == "json_invalid":
        return Problem(where, "this line of a script is no JSON object", todo='write one, such as {"reply": "…"}')
    if mistake["type"] == "extra_forbidden":
        known = list(ScriptLine.model_fields)
        nearest = next(iter(get_close_matches(name, known, 1)), None)
        return Problem(where, f"a line of a script has no `{name}`", nearest, f"there are {', '.join(known)}")
    what = mistake["msg"].removeprefix("Value error, ")
    return Problem(where, f"`{name}`: {what[:1].lower()}{what[1:]}" if name else what)


def script_problems(path: Path) -> list[Problem]:
    """Every mistake in a script file."""
    try:
        read_script(path)
    except StudyError as error:
        return error.problems
    return []


def from_config(name: str, config: ScriptedModel) -> Scripted:
    """The scripted model that `config` describes. Raises ModelRejected for a missing or bad script.

    The check finds both before a run. One that a run finds was changed since, and other models may have been asked.
    """
    if config.path is None:
        raise ModelRejected(f"the scripted model '{name}' needs a script; set `path` to a JSONL file")
    try:
        script = read_script(config.path)
    except StudyError as error:
        raise ModelRejected(f"the scripted model '{name}' cannot answer: {error}") from error
    return Scripted(name, script, version=config.version, sees_images=config.sees_images)
