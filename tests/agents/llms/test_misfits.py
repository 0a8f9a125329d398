"""A model that never replies what fits: what is kept of it is read, and what would be paid for is not asked."""

from __future__ import annotations

import pytest

from agents.llms.misfits import MOST_CELLS_WITHOUT_FIT, Misfits, StoppedByMisfits
from agents.llms.reply_cache import CachedReplies, InMemoryReplyStore
from agents.llms.scripted import Scripted
from contract.errors import ModelUnusable
from tests.agents.llms.requests import make_request


async def test_kept_replies_are_read_of_a_model_that_is_asked_no_more() -> None:
    misfits, store = Misfits(), InMemoryReplyStore()
    inner = Scripted("m", lambda _: "done")
    model = CachedReplies(StoppedByMisfits(inner, misfits), store)
    kept, other = make_request("kept"), make_request("other")
    await model.complete(kept)
    for _ in range(MOST_CELLS_WITHOUT_FIT):
        misfits.did_not_fit(kept, "verdict: Field required")
    assert (await model.complete(kept)).from_cache
    with pytest.raises(ModelUnusable, match="verdict: Field required"):
        await model.complete(other)
    assert inner.calls == 1
