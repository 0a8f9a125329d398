"""The file of a call journal: what its lines mean, and what stays of it once its run is in an account."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

from flows.accounting.costs import CallCosts
from flows.files.atomic import write_text

_UNKNOWN = "-"


@dataclass(frozen=True)
class LostCall:
    """A call that was billed, or may have been, and whose reply no later run is served."""

    worst: Decimal | None
    """US dollars that it cannot have exceeded; None where no price is known."""
    cost: Decimal | None = None
    """US dollars that it cost, if its reply came and was priced."""
    reply: str = ""
    """The reply that it may have brought: the time when it ended, or the attempt of a run that was killed meanwhile."""


@dataclass
class JournalFile:
    """What a journal says of its run's calls."""

    path: Path
    header: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The run: `flow`, `run`, `flow_run_id`, `shard`, `place`, `started`, and `accounted` if it is in an account."""
    in_flight: dict[str, Decimal | None] = field(default_factory=dict[str, Decimal | None])
    """Key -> the most that the call under way can cost."""
    lost: dict[str, list[LostCall]] = field(default_factory=dict[str, list[LostCall]])
    paid: dict[str, CallCosts] = field(default_factory=dict[str, CallCosts])
    """Model -> the calls that were answered."""
    _models: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def attempt(self) -> str:
        """The attempt of a run that wrote the file."""
        return self.path.stem

    def unsettled(self) -> Iterator[tuple[str, LostCall]]:
        """Every call whose reply no run is served, with its key."""
        for key, calls in self.lost.items():
            for call in calls:
                yield key, call
        for key, worst in self.in_flight.items():
            yield key, LostCall(worst, reply=self.attempt)

    def add_line(self, line: str) -> None:
        """Adds what the line says; a line that a kill tore says nothing."""
        if line.startswith("#"):
            self.header = _read_header(line)
            return
        letter, key, *rest = [*line.split(" "), ""]
        match letter:
            case "b":
                self.in_flight[key] = _amount(rest, 0)
                self._models[key] = " ".join(rest[1:]).strip()
            case "e":
                if len(rest) > 3:
                    self._costs_of(key).add_paid(_amount(rest, 0), _tokens(rest, 1), _tokens(rest, 2))
                self.in_flight.pop(key, None)
            case "n":
                self.in_flight.pop(key, None)
            case "u":
                self._add_lost(key, LostCall(self.in_flight.pop(key, _amount(rest, 0)), reply="".join(rest[1:2])))
            case "l":
                cost = _amount(rest, 0)
                if key in self.in_flight:
                    self._costs_of(key).add_paid(cost, 0, 0)
                self.in_flight.pop(key, None)
                self._add_lost(key, LostCall(None, cost, "".join(rest[1:2])))
            case _:
                pass

    def _add_lost(self, key: str, call: LostCall) -> None:
        self.lost.setdefault(key, []).append(call)

    def _costs_of(self, key: str) -> CallCosts:
        return self.paid.setdefault(self._models.get(key, ""), CallCosts())


def read_journal(path: Path) -> JournalFile | None:
    """What the journal at `path` says; None where there is none any more."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    found = JournalFile(path)
    for line in text.splitlines():
        found.add_line(line)
    return found


def shorten_journal(path: Path, header: Mapping[str, Any], unsettled: Iterator[tuple[str, LostCall]]) -> None:
    """Leaves of the journal of a run that is in an account what later accounts need; without that, removes the file."""
    lines = [lost_line(key, call) for key, call in unsettled]
    if lines:
        write_text(path, "\n".join([header_line({**header, "accounted": True}), *lines, ""]))
    else:
        path.unlink(missing_ok=True)


def header_line(header: Mapping[str, Any]) -> str:
    """The first line."""
    return f"# {json.dumps(header)}"


def lost_line(key: str, call: LostCall) -> str:
    """The line of a call whose reply no later run is served."""
    if call.cost is None and "T" not in call.reply:
        return f"u {key} {figure(call.worst)} {call.reply}".rstrip()
    return f"l {key} {figure(call.cost)} {call.reply}"


def figure(amount: Decimal | None) -> str:
    """An amount in a line."""
    return _UNKNOWN if amount is None else str(amount)


def _read_header(line: str) -> Mapping[str, Any]:
    try:
        found: Any = json.loads(line.removeprefix("#"))
    except (ValueError, RecursionError):
        return {}
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _amount(fields: list[str], place: int) -> Decimal | None:
    try:
        return Decimal(fields[place])
    except (IndexError, InvalidOperation):
        return None


def _tokens(fields: list[str], place: int) -> int:
    return int(fields[place]) if len(fields) > place and fields[place].isdecimal() else 0
