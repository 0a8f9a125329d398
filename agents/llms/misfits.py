"""Stops asking a model whose replies never fit what is asked: no further one is likely to, and each is billed.

    misfits = Misfits()
    model = CachedReplies(StoppedByMisfits(hosted, misfits), store)

What counts are cells, re-asks included, until the first that fits: a model that was understood once is never stopped.
"""

from __future__ import annotations

from agents.llms.model import Model, ModelWrapper
from contract.calls import ModelReply, ModelRequest
from contract.errors import ModelUnusable

MOST_CELLS_WITHOUT_FIT = 10
"""With a model of which one cell in four fits, this stops one run in eighteen; where half fit, one in 1,000."""


class Misfits:
    """Which models of a run have not yet given one reply of a kind that fitted."""

    def __init__(self) -> None:
        self._fitting = set[tuple[str, str]]()
        self._cells = dict[tuple[str, str], int]()
        self._stopped = dict[tuple[str, str], str]()

    def fitted(self, request: ModelRequest) -> None:
        """Notes that the reply to this request fitted."""
        kind = _kind(request)
        self._fitting.add(kind)
        self._stopped.pop(kind, None)

    def did_not_fit(self, request: ModelRequest, problem: str) -> None:
        """Notes that a cell ended since none of its replies fitted, some of which were asked for now."""
        kind = _kind(request)
        self._cells[kind] = self._cells.get(kind, 0) + 1
        if self._cells[kind] == MOST_CELLS_WITHOUT_FIT and kind not in self._fitting:
            self._stopped[kind] = (
                f"model '{request.model}': none of its replies in {MOST_CELLS_WITHOUT_FIT} cells had the form "
                f"that was asked for, so this run asks it no more for this; the last: {problem}. Try another model, or "
                "a clearer prompt; the same command asks again"
            )

    def why_stopped(self, request: ModelRequest) -> str | None:
        """Why the model is asked no more for replies of this kind; None where it is."""
        return self._stopped.get(_kind(request))


def _kind(request: ModelRequest) -> tuple[str, str]:
    return request.model, request.output_name or ""


class StoppedByMisfits(ModelWrapper):
    """Sends no request whose reply is not likely to fit."""

    def __init__(self, inner: Model, misfits: Misfits) -> None:
        super().__init__(inner)
        self._misfits = misfits

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns one reply. Raises ModelUnusable without a call, and everything that the wrapped model raises."""
        if why := self._misfits.why_stopped(request):
            raise ModelUnusable(why)
        return await self._inner.complete(request)
