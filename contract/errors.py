"""Every error that this project raises on purpose.

ButtermilkError
├── StudyError            mistakes in the study's files or request; holds every `Problem` found
│   └── AnswersInvalid    answers of people that do not fit what they were shown
├── StorageError          a source or target cannot be read or written
├── PromptError           a template cannot be read, parsed or filled
├── CellError             one agent call cannot end well; becomes a failed row, never stops its siblings
│   ├── MissingInput      an input that the step needs was not produced upstream
│   ├── OutputInvalid     no reply fitted the schema, re-asks included
│   ├── StoppedByPerson   a person who was asked about a call of a tool ended the cell
│   ├── WaitsForPerson    it depends on a question to a person that is not answered yet
│   ├── NoAnswer          it depends on a question to a person that nobody answered in time
│   ├── FetchRefused      an address that must not or cannot be fetched
│   ├── TurnTimeOver      a model was not asked, or not waited for, because the time for calls of tools was over
│   ├── LoopTimeOver      it did not end within the time of its loop
│   ├── OverBudget        the call could have exceeded the study's budget, so it was not made
│   └── ModelError        the model's service did not give a usable reply
│       ├── ModelRejected the request itself was refused permanently (bad key, unknown model, too long)
│       │   └── ModelUnusable no further request to the model can succeed: quota used up, wrong key
│       └── Transient     the call may succeed when tried again later
│           ├── RateLimited
│           ├── ModelTimeout
│           ├── CellTimeout
│           ├── ModelUnavailable
│           │   ├── ServerNotRunning  nothing answers at an address of this machine
│           │   ├── NotSentInTime     held back until its turn within the limits per minute was over
│           │   └── NeedsAnotherTurn  refused in the way it was asked, and to be asked in a simpler one
│           └── ReplyBroken
│               └── ReplyUnreadable  a whole reply in another form than the protocol's
└── RunError              the run as a whole cannot go on (server unreachable, folder not writable)
"""

from __future__ import annotations

from dataclasses import dataclass

from contract.calls import ModelCall
from contract.key_texts import mask_keys
from contract.tool_calls import ToolCall


class ButtermilkError(Exception):
    """Base of all errors of this project; its text is written for the scholar who reads it."""


COMMAND_LINE = "command line"
"""How the place of a mistake in what was typed begins."""


@dataclass(frozen=True)
class Problem:
    """One mistake, with all that a reader needs to correct it."""

    where: str
    """`file:line`, or `command line: text` for an argument of the command."""
    what: str
    """What is wrong, in a plain sentence without a final full stop."""
    nearest: str | None = None
    """The nearest right name, where there is one."""
    todo: str | None = None
    """What to write or do."""

    def __post_init__(self) -> None:
        # A key that was typed or pasted in the wrong place is in no message, whoever wrote the message.
        typed = self.where.startswith(COMMAND_LINE)
        for name in ("where", "what", "nearest", "todo"):
            if text := getattr(self, name):
                object.__setattr__(self, name, mask_keys(text, typed=typed))

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}"]
        if self.nearest:
            parts.append(f"did you mean '{self.nearest}'?")
        if self.todo:
            parts.append(self.todo)
        return "; ".join(parts)


class StudyError(ButtermilkError):
    """The study cannot be run as written; `problems` lists every mistake found, in file order."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class AnswersInvalid(StudyError):
    """Answers of people that do not fit what they were shown, which only the run could find out."""


class StorageError(ButtermilkError):
    """A source or target cannot be read or written."""


class PromptError(ButtermilkError):
    """A template cannot be read, parsed or filled."""


class CellError(ButtermilkError):
    """One agent call cannot end well. `calls` and `tools` are the calls made until then, so that none is lost."""

    calls: tuple[ModelCall, ...] = ()
    tools: tuple[ToolCall, ...] = ()


class MissingInput(CellError):
    """A step lacks something that it needs; the text names what is missing."""


class OutputInvalid(CellError):
    """No reply fitted the output schema, re-asks included."""


class StoppedByPerson(CellError):
    """A person who was asked about a call of a tool ended the cell."""


class WaitsForPerson(CellError):
    """It depends on a question to a person that is not answered yet; the same command goes on from there."""


class NoAnswer(CellError):
    """It depends on a question to a person that nobody answered in time, and `on_timeout` says `fail`."""


class FetchRefused(CellError):
    """A URL was not fetched: a private address, too large, too slow, or not text."""


class TurnTimeOver(CellError):
    """The time was over in which an agent may call tools, and it answers from what it has; or that for the answer."""


class LoopTimeOver(CellError):
    """The time of the loop (`max_seconds`) was over before the cell ended; later steps go on without it."""


class OverBudget(CellError):
    """The call was not made: its highest possible cost would have exceeded the study's budget."""


class ModelError(CellError):
    """The model's service did not give a usable reply."""


class ModelRejected(ModelError):
    """The service refused the request permanently: another try would fail too."""


class ModelUnusable(ModelRejected):
    """No request to this model can succeed in this run: its quota or credit is used up, or the key is wrong."""


class Transient(ModelError):
    """Another try may succeed. `retry_after` is the wait in seconds that the service asked for, or None."""

    loses_reply = False
    """True where a call under way was given up: the service may have worked on, and bill it."""
    LONGEST_WAIT = 300.0
    """Seconds. A service that asks for a longer wait is not asked again in this run: probably a daily quota."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def is_worth_a_try(self) -> bool:
        """Whether the wait that the service asked for is one that a run can wait."""
        return (self.retry_after or 0) <= self.LONGEST_WAIT


class RateLimited(Transient):
    """Too many requests or tokens (HTTP 429)."""


class ModelTimeout(Transient):
    """No reply within the time allowed."""

    loses_reply = True


class CellTimeout(Transient, TimeoutError):
    """A cell worked for longer than `run.timeout_seconds`, its waits for a turn not counted."""

    loses_reply = True


class ModelUnavailable(Transient):
    """The service failed or is overloaded (HTTP 5xx, 529) or cannot be reached."""


class ServerNotRunning(ModelUnavailable):
    """Nothing answers at the model's address, which is on this machine: its server does not run, or not yet."""


class NotSentInTime(ModelUnavailable):
    """The call was held back until its turn within the limits per minute was over; it is given another one."""

    def __init__(self, message: str = "the call was not sent in time", *, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after)


class NeedsAnotherTurn(ModelUnavailable):
    """The service refused the way in which it was asked, before it answered; the next way is a request of its own."""

    def __init__(
        self, message: str = "the service is asked in a simpler way", *, retry_after: float | None = None
    ) -> None:
        super().__init__(message, retry_after=retry_after)


class ReplyBroken(Transient):
    """The reply was cut off on the wire, or was not the JSON that the protocol promises.

    Asked again, the service may bill it again; `again` is False where the same request brought such a reply before.
    """

    loses_reply = True

    def __init__(self, message: str, *, retry_after: float | None = None, again: bool = True) -> None:
        super().__init__(message, retry_after=retry_after)
        self._again = again

    @property
    def is_worth_a_try(self) -> bool:
        """Whether the request has brought no such reply before."""
        return self._again


class ReplyUnreadable(ReplyBroken):
    """The reply came whole, in another form than the protocol promises."""


class RunError(ButtermilkError):
    """The run as a whole cannot go on."""
