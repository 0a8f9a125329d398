"""Mistakes of clients: each sentence names the tool and the argument that the client gave, and no command."""

from __future__ import annotations

import math
from typing import Any

import pytest

from contract.errors import StudyError
from contract.tools import AgentToolDefinition
from flows.mcp.arguments import check_arguments
from tests.mcp.conftest import Connect, text_of

_CALL = {"text": "You people are vermin.", "criteria": "ordinary", "model": "demo"}
_MISTAKES: list[tuple[str, dict[str, Any], str]] = [
    ("start_osb", {"query": ""}, "start_osb: argument `query`: 'query' is empty; give `query` (The research question)"),
    ("start_osb", {"query": "a", "limit": 0}, "start_osb: argument `limit`: the parameter 'limit' is 0"),
    ("start_osb", {"query": "a", "llms": "lit"}, "start_osb: argument `llms`: it is \"lit\"; did you mean 'lite'?"),
    ("start_osb", {"query": 5}, "start_osb: argument `query`: it is 5, but should be text"),
    ("start_tiny", {"model": ["nix"]}, "start_tiny: argument `model`: there is no model 'nix'"),
    ("start_tiny", {"criteria": ["ordinry"]}, "start_tiny: argument `criteria`: there is no criterion 'ordinry'"),
    ("start_tiny", {"records": "nix.csv"}, "start_tiny: argument `records`: there is neither a file nor a storage"),
    ("start_tiny", {"columns": {"txt": "a"}}, "start_tiny: argument `columns.txt`: `columns` names no record field"),
    ("start_tiny", {"encoding": "nix"}, "start_tiny: argument `encoding`: the source of 'posts' cannot be used"),
    ("start_tiny", {"sample": 0}, "start_tiny: argument `sample`: it is 0, but should be 1 or more"),
    ("start_tiny", {"split": ";"}, "start_tiny: there is no argument 'split'"),
    ("start_tiny", {"again": "all"}, 'start_tiny: argument `again`: it is "all"; there is only refused'),
    ("run_judge", {**_CALL, "criteria": "nix"}, "run_judge: argument `criteria`: there is no criterion 'nix'"),
    ("run_judge", {**_CALL, "model": None}, "run_judge: argument `model`: it is null, but should be text"),
    ("run_judge", {**_CALL, "text": ""}, "run_judge: argument `text`: it is empty"),
    ("run_judge", {**_CALL, "temperature": 9}, "run_judge: argument `temperature`: it is 9, but should be 2 or less"),
    ("run_search", {"queries": ["a"], "corpus": "nix"}, "run_search: argument `corpus`: there is no storage 'nix'"),
    ("search", {"queries": ["a"], "corpus": "nix"}, "search: argument `corpus`: there is no storage 'nix'"),
    ("search", {"queries": 5, "corpus": "osb"}, "search: argument `queries`: it is 5, but should be a list"),
    ("fetch", {"url": "page"}, "'page' is no address of the web, which begins with http:// or https://"),
    ("watch_run", {"run_id": "x"}, "watch_run: argument `run_id`: there is no such run, 'x'"),
]


async def test_every_mistake_names_what_the_client_gave(connect: Connect) -> None:
    async with connect() as client:
        for tool, arguments, expected in _MISTAKES:
            result = await client.call_tool(tool, arguments)
            text = text_of(result)
            assert result.is_error and text.startswith(expected), (tool, arguments, text)
            for typed in ("command line", "agent(", "is not of type", 'query="'):
                assert typed not in text, text


@pytest.mark.parametrize(("value", "shown"), [(math.nan, "NaN"), (math.inf, "Infinity")])
def test_what_is_no_number_is_a_mistake_that_some_clients_can_send(value: float, shown: str) -> None:
    schema: Any = {"type": "object", "properties": {"share": {"type": "number", "maximum": 1}}}
    definition = AgentToolDefinition(name="act", description="Acts.", input_schema=schema)
    with pytest.raises(StudyError) as told:
        check_arguments(definition, {"share": value})
    assert [str(one) for one in told.value.problems] == [
        f"act: argument `share`: it is {shown}, which is no number; give a number"
    ]


@pytest.mark.parametrize("corpus", ["nix", "posts"])
async def test_a_resource_that_is_no_corpus_is_named_by_its_address(connect: Connect, corpus: str) -> None:
    async with connect() as client:
        with pytest.raises(Exception, match=rf"^corpus://{corpus}: argument `corpus`: "):
            await client.read_resource(f"corpus://{corpus}/a#text:0-3")
