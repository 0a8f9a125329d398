"""Call journal: a file of each run's calls, kept beside the replies, so that the account is right whatever interrupts.

The first line is `# ` and a JSON object: the run. Each further line is a letter, the key of a call, and more:

    b key worst model       about to be sent; `worst` is the most that it can cost
    e key cost in out       the reply came and is kept: its cost and its tokens
    n key                   the service itself reported that it did not answer, and bills nothing
    u key worst [attempt]   no reply came, but the service may have billed one; `attempt` was killed meanwhile
    l key cost ended        the reply was billed, and no later run is served it

Unknown figures are `-`. Of a run that is in an account, only lines `u` and `l` stay; if there are none, no file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from contract.calls import ModelReply
from flows.accounting.journal_file import (
    JournalFile,
    LostCall,
    figure,
    header_line,
    lost_line,
    read_journal,
    shorten_journal,
)
from flows.results.process_file import ProcessFile, is_process_alive, place_of


class CallJournal:
    """The journal of one run, in a folder of such journals; use as a context manager.

    It is locked as long as the process lives: what a living process has sent is under way, and not lost.
    """

    def __init__(self, folder: Path, **run: Any) -> None:
        """`run` describes the run in the first line: `flow`, `run`, `flow_run_id`, `shard`."""
        self.attempt = uuid4().hex
        self.place = place_of(folder)
        header = {**run, "place": self.place, "started": datetime.now(UTC).isoformat()}
        self._file = ProcessFile(folder / f"{self.attempt}.txt")
        self._file.write(header_line(header))
        self._own = JournalFile(self._file.path, header)
        self._answered = dict[str, ModelReply]()
        self._accounted = False
        self._living = list[JournalFile]()
        self._lost = defaultdict[str, list[LostCall]](list)
        self.abandoned = set[str]()
        """Keys of calls that were under way when their process ended; it cannot have removed its locks."""
        self.broken_off = list[JournalFile]()
        """Earlier runs of this flow that ended without an account."""
        self._read_ended(path for path in sorted(folder.glob("*.txt")) if path != self._file.path)

    def __enter__(self) -> CallJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._settle_answered()
        if self._accounted:
            shorten_journal(self._own.path, self._own.header, self._own.unsettled())
        self._file.close()

    @property
    def payer(self) -> str:
        """How a reply names who paid for it: the run, and the attempt of it."""
        return f"{self._own.header.get('flow_run_id', '')}/{self.attempt}"

    def lost_calls(self, key: str) -> Sequence[LostCall]:
        """The calls with that key that brought no reply to be served, of this run and of those that have ended."""
        if self._living:
            self._read_ended([one.path for one in self._living if not self._may_be_alive(one)])
        return [*self._lost.get(key, ()), *self._own.lost.get(key, ())]

    def lost_in_this_run(self) -> Mapping[str, Sequence[LostCall]]:
        """Every such call of this run, by key."""
        self._settle_answered()
        return self._own.lost

    def account(self) -> None:
        """Notes that this run, and the broken-off ones, are now in an account: their files are shortened."""
        self._accounted = True
        for run in self.broken_off:
            shorten_journal(run.path, run.header, run.unsettled())

    def call_started(self, key: str, model: str, worst: Decimal | None) -> None:
        """A call is about to be sent. When this returns, the record outlives the process."""
        self._own.in_flight[key] = worst
        self._file.write(f"b {key} {figure(worst)} {model}")

    def call_answered(self, key: str, reply: ModelReply) -> None:
        """The reply came; it is not kept yet."""
        self._answered[key] = reply

    def call_failed(self, key: str, *, may_be_billed: bool) -> None:
        """No reply came. `may_be_billed` is False if the service itself reported that it did not answer."""
        worst = self._own.in_flight.pop(key, None)
        if may_be_billed:
            self._add_lost(key, LostCall(worst))
        else:
            self._file.write(f"n {key}")

    def reply_kept(self, key: str) -> None:
        """The reply is kept, and will be found again."""
        if reply := self._answered.pop(key, None):
            self._own.in_flight.pop(key, None)
            usage = reply.usage
            self._file.write(f"e {key} {figure(reply.cost_usd)} {usage.input_tokens} {usage.output_tokens}")

    def reply_set_aside(self, key: str, reply: ModelReply, *, counted_with: str) -> None:
        """The reply, whoever paid for it, is not served to later runs; it counts where `counted_with` is called."""
        self._answered.pop(key, None)
        worst = self._own.in_flight.pop(key, None)
        self._add_lost(counted_with, LostCall(worst, reply.cost_usd, reply.ended.isoformat()))

    def _settle_answered(self) -> None:
        # Their replies came, and could not be kept.
        for key, reply in list(self._answered.items()):
            self.reply_set_aside(key, reply, counted_with=key)

    def _add_lost(self, key: str, call: LostCall) -> None:
        self._own.lost.setdefault(key, []).append(call)
        self._file.write(lost_line(key, call))

    def _read_ended(self, paths: Iterable[Path]) -> None:
        """Reads the journals of runs that have ended, and remembers those of runs that may live."""
        seen = set(paths)
        self._living = [one for one in self._living if one.path not in seen]
        for found in (read_journal(path) for path in sorted(seen)):
            if found is None:
                continue
            if self._may_be_alive(found):
                self._living.append(found)
                continue
            self.abandoned |= found.in_flight.keys()
            for key, call in found.unsettled():
                self._lost[key].append(call)
            if self._is_unaccounted(found):
                self.broken_off.append(found)

    def _may_be_alive(self, journal: JournalFile) -> bool:
        if journal.header.get("place", self.place) == self.place:
            return is_process_alive(journal.path)
        # A process of another machine. Who finds its run lost removes its heartbeat.
        return (journal.path.parent.parent / "alive" / str(journal.header.get("flow_run_id"))).exists()

    def _is_unaccounted(self, journal: JournalFile) -> bool:
        ours, other = self._own.header, journal.header
        if not other or other.get("accounted") or ours.get("shard") or other.get("shard"):
            return False
        return other.get("flow") == ours.get("flow")
