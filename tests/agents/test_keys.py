"""Keys of cells: which changes of an agent's output leave kept results valid."""

from __future__ import annotations

from pydantic import Field

from agents.llm_agent import LLMAgent
from contract.base import Frozen


class _Kept(Frozen, title="Found"):
    """Something found."""

    text: str


class _Grown(Frozen, title="Found"):
    """Something found."""

    text: str
    page: str | None = Field(default=None, exclude_if=lambda value: value is None)


def test_a_field_that_is_not_dumped_where_it_says_nothing_leaves_keys_as_they_are() -> None:
    class Before(LLMAgent):
        Output = _Kept

    class After(LLMAgent):
        Output = _Grown

    assert _Grown.model_json_schema() != _Kept.model_json_schema()
    assert After.output_fingerprint() == Before.output_fingerprint()
