"""ServerPolicy: whether a command may start a Prefect server, and how long that server stays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_LONGEST = 7 * 24 * 3600
DEFAULT_STAY = "stay 15m"


@dataclass(frozen=True)
class ServerPolicy:
    """What a command does where no Prefect server answers."""

    kind: Literal["stay", "with_run", "none"]
    """`stay`: starts the server of this machine and leaves it. `with_run`: starts one that ends with the run.
    `none`: starts none."""
    idle_seconds: int = 0
    """With `stay`: the server ends by itself after this time without a use."""

    def __str__(self) -> str:
        return f"stay {describe_seconds(self.idle_seconds)}" if self.kind == "stay" else self.kind


def parse_server_policy(text: str) -> ServerPolicy:
    """Reads `stay`, `stay 15m`, `with_run` or `none`. Raises ValueError for any other text."""
    if text in ("with_run", "none"):
        return ServerPolicy(text)
    found = re.fullmatch(r"stay(?:\s+(\d{1,6})\s*([smh]))?", text)
    if not found:
        raise ValueError("write 'stay 15m' (or another time in s, m or h), with_run or none")
    if found[1] is None:
        return parse_server_policy(DEFAULT_STAY)
    seconds = int(found[1]) * _SECONDS[found[2]]
    if not 1 <= seconds <= _LONGEST:
        raise ValueError("a server stays for at least 1s and at most 168h; for longer, run `prefect server start`")
    return ServerPolicy("stay", seconds)


def describe_seconds(seconds: int) -> str:
    """The time in its largest whole unit, such as `15m`."""
    unit = next(unit for unit in ("h", "m", "s") if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}"
