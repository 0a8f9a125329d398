"""Who may end a run: the server that started it, or after it one that the same people use.

Several servers can work in one folder, an editor's and a chat's for example. All of them may read its runs, and none
ends what another one pays for.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from agents.tools.tool import ToolFailed
from flows.mcp.published import TOKEN_VARIABLE


@dataclass(frozen=True)
class RunOwner:
    """On whose behalf a server starts runs: those who have its token, or the user of this machine over stdio."""

    token: str | None = None

    def mark(self, run_id: str) -> str | None:
        """What is noted of the owner beside a run. It tells nobody the token, and is another for each run."""
        if self.token is None:
            return None
        return hmac.new(self.token.encode(), run_id.encode(), hashlib.sha256).hexdigest()

    def check_may_end(self, run_id: str, mark: str | None, *, is_server_gone: bool) -> None:
        """Raises ToolFailed where the run, which another server has started, is not this one's to end."""
        if mark is not None and self.token is not None:
            if not hmac.compare_digest(mark, self.mark(run_id) or ""):
                raise ToolFailed(
                    f"the run {run_id} was started with another token, and only that token ends it; give this server "
                    f"the same one in {TOKEN_VARIABLE}, or cancel it where it was started"
                )
        elif mark is not None:
            raise ToolFailed(f"the run {run_id} was started by a server over HTTP; cancel it there, with its token")
        elif self.token is not None:
            raise ToolFailed(f"the run {run_id} was started by a program on this machine; cancel it there")
        elif not is_server_gone:
            raise ToolFailed(f"the run {run_id} belongs to another program, whose server still runs; cancel it there")
