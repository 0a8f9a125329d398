"""Replies that came whole and are not what the protocol promises: what is asked again, and when a model is given up.

Such a reply is mostly the service's own fault and comes again, and each may be billed. So a request is sent twice at
most; where nothing could be read in between, or ten times in a row, the model is asked no more in this run.
"""

from __future__ import annotations

from contract.errors import ReplyUnreadable

ASKED_NO_MORE = "this run asks it no more. The same command goes on from here"
_MOST_IN_A_ROW = 10


class UnreadableReplies:
    """What one model's service has sent so far. Belongs to one event loop."""

    def __init__(self) -> None:
        self._readable = 0
        self._in_a_row = 0
        self._first_at = dict[str, int]()
        """Key of a request -> the number of readable replies when it first got an unreadable one."""

    def was_readable(self) -> None:
        """A reply came that could be read."""
        self._readable += 1
        self._in_a_row = 0

    def was_unreadable(self, key: str, error: ReplyUnreadable) -> tuple[ReplyUnreadable, bool]:
        """The error to raise for the request with that key, and whether the model is to be given up."""
        self._in_a_row += 1
        asked_before = key in self._first_at
        first_at = self._first_at.setdefault(key, self._readable)
        given_up = self._in_a_row >= _MOST_IN_A_ROW or (asked_before and first_at == self._readable)
        if not asked_before and not given_up:
            return error, False
        advice = "also when it was asked again; check what answers at its address. Such replies may be billed"
        rest = f"{advice}; {ASKED_NO_MORE}" if given_up else advice
        return ReplyUnreadable(f"{error}, {rest}", again=False), given_up
