"""What published functions may do: they belong to other packages, and nobody is asked before a client calls one.

A client is often a model, which a text can persuade. So a function that leaves something behind is refused unless
whoever starts the server has allowed it, and one that spends is given a budget.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from agents.tools.tool import ToolFailed
from contract.tools import Permission
from flows.mcp.published import ALLOWABLE
from flows.mcp.spending import Spending

_WORDS: dict[Permission, str] = {
    "read_corpus": "read a corpus",
    "fetch": "send requests to the internet",
    "write_files": "write files",
    "spend": "cost money",
    "start_flow": "start runs that go on",
}


@dataclass(frozen=True)
class Permits:
    """What the functions of one server may do, and the money for it."""

    spending: Spending = field(default_factory=Spending)
    allowed: frozenset[Permission] = frozenset()

    def sentence(self, permissions: Iterable[Permission]) -> str:
        """What a client reads after a function's description; empty where it does no more than compute."""
        wanted = list(permissions)
        if not wanted:
            return ""
        refused = [_WORDS[one] for one in self._refused(wanted)]
        closed = f" This server does not allow it to {' and '.join(refused)}, so calls are refused." if refused else ""
        return f"\n\nIt may {', '.join(_WORDS[one] for one in wanted)}.{closed}"

    def check(self, tool: str, permissions: Iterable[Permission]) -> None:
        """Raises ToolFailed where the function may do what is not allowed here."""
        if refused := self._refused(permissions):
            words = " and ".join(_WORDS[one] for one in refused)
            options = " ".join(f"--allow {one}" for one in refused)
            raise ToolFailed(
                f"{tool}: it may {words}, which this server does not allow; nothing was called. Whoever starts the "
                f"server can allow it with {options}"
            )

    def _refused(self, permissions: Iterable[Permission]) -> list[Permission]:
        return [one for one in permissions if one in ALLOWABLE and one not in self.allowed]
