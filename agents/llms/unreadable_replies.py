"""Replies that were cut on the wire, or are not what the protocol promises: what is asked again, and until when.

Each may be billed. One that came whole is mostly the service's own fault and comes again, and so does one that is cut
by something between, which ends long replies. So a request is sent twice at most; where nothing could be read in
between, the model is asked no more in this run. Ten whole ones in a row are enough for that, too. Cut ones are not:
one moment without a network cuts all replies that are under way.
"""

from __future__ import annotations

from contract.errors import ReplyBroken, ReplyUnreadable

ASKED_NO_MORE = "this run asks it no more. The same command goes on from here"
_MOST_IN_A_ROW = 10
_ADVICE = {
    ReplyUnreadable: "check what answers at its address",
    ReplyBroken: "check the network and what stands between, or ask for shorter replies with `max_tokens`",
}


class UnreadableReplies:
    """What one model's service has sent so far. Belongs to one event loop."""

    def __init__(self) -> None:
        self._readable = 0
        self._in_a_row = 0
        self._first_at = dict[str, int]()
        """Key of a request -> the number of readable replies when it first got one that was not."""

    def was_readable(self) -> None:
        """A reply came that could be read."""
        self._readable += 1
        self._in_a_row = 0

    def was_unreadable(self, key: str, error: ReplyBroken) -> tuple[ReplyBroken, bool]:
        """The error to raise for the request with that key, and whether the model is to be given up."""
        self._in_a_row += isinstance(error, ReplyUnreadable)
        asked_before = key in self._first_at
        first_at = self._first_at.setdefault(key, self._readable)
        given_up = self._in_a_row >= _MOST_IN_A_ROW or (asked_before and first_at == self._readable)
        if not asked_before and not given_up:
            return error, False
        advice = f"also when it was asked again; {_ADVICE[type(error)]}. Such replies may be billed"
        rest = f"{advice}; {ASKED_NO_MORE}" if given_up else advice
        return type(error)(f"{error}, {rest}", again=False), given_up
