"""The feed of events: which events the servers that we start keep, for a person who reads there what happened.

Of each run they keep all events, but in a run of many records none of its cells: nobody reads 30,000 of them, the task
runs hold their states themselves, and all 632 events of a run of 600 calls took 2.9 to 3.0 s of the server's processor
time, where without the cells' it was 2.3 to 2.4 s. Prefect can only keep all events or none, so whoever sends an event
of a cell in such a run marks it.
"""

from __future__ import annotations

LEFT_OUT_LABEL = "buttermilk.left-out-of-feed"
"""The label of an event's resource that says so."""
_MARK = f'"{LEFT_OUT_LABEL}"'.encode()
_TASK_RUN = "prefect.task-run."


def is_in_feed(name: str, event: bytes | str) -> bool:
    """Whether the event of that name, written as JSON, is kept."""
    # Searched and not parsed, for speed; in any text within the JSON the quotation marks would be escaped.
    return not (name.startswith(_TASK_RUN) and _MARK in (event if isinstance(event, bytes) else event.encode()))
