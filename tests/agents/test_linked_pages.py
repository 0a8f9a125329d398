"""Pages that a question names: found in its sentence, fetched all or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.base.registry import load_agent
from agents.linked_pages import addresses_in
from contract.errors import FetchRefused, MissingInput
from contract.messages import AgentInput, AgentOutput
from tests.agents.agent_calls import RECORD, agent_services, plain_value, replying_with
from tests.agents.test_fetch_agent import PAGE, OnePage


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Does https://example.org/a, or (see https://example.org/b) say so?", ["https://example.org/a", "https://example.org/b"]),
        ("Was ist mit „https://example.org/x“? Und mit HTTPS://EXAMPLE.ORG/?", ["https://example.org/x", "HTTPS://EXAMPLE.ORG/"]),
        ("https://en.example.org/wiki/Slur_(word).", ["https://en.example.org/wiki/Slur_(word)"]),
        ("https://example.org/?q=1&p=2#top!", ["https://example.org/?q=1&p=2#top"]),
        ("https://example.org/a https://example.org/a", ["https://example.org/a"]),
        ("Write to ana@example.org or see example.org.", []),
        ("https://", []),
    ],
)  # fmt: skip
def test_addresses_are_found_without_the_sentence_around_them(text: str, expected: list[str]) -> None:
    assert addresses_in(text) == expected


async def linked(text: str, web: OnePage | None) -> AgentOutput:
    services = replace(agent_services(replying_with()), web=web)
    return await load_agent("linked_pages")().process(AgentInput(record=RECORD, inputs={"question": text}), services)


async def test_pages_of_a_question_become_passages() -> None:
    found = plain_value(await linked(f"What does {PAGE.url} say?", OnePage()))
    assert [page["sha256"] for page in found["pages"]] == [PAGE.sha256] and len(found["passages"]) > 1
    none = await linked("What does the Board say?", OnePage())
    assert plain_value(none) == {"pages": [], "passages": []} and none.note == "the question names no address"


async def test_a_page_that_cannot_be_had_is_no_smaller_basis() -> None:
    with pytest.raises(FetchRefused, match="private"):
        await linked(f"Compare {PAGE.url} and https://10.0.0.1/x.", OnePage())
    with pytest.raises(MissingInput, match="at most 3"):
        await linked(" ".join(f"https://example.org/{number}" for number in range(4)), OnePage())
    with pytest.raises(MissingInput, match="no access to the web"):
        await linked(PAGE.url, None)
