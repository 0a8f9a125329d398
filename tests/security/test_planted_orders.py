"""Whole conversations of hosts and tools in which an order is planted: in a record, a page, a tool, an outside server.

The model is scripted to obey: where it first reads the order, it asks for `erase_all`. The order changes nothing: what
is chosen and called is the same as without it, within the same bound, and each choice and call is a task run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agents.llms.scripted import Scripted
from agents.tools.tool import ToolFailed, tool
from agents.tools.web import guarded_http
from agents.tools.web.guarded_http import GuardedHttp
from contract.base import thawed
from contract.calls import ModelReply, ModelRequest
from tests.support.own_config import use_own_config
from tests.support.planted import ORDER, SIGN, check_that_planted_orders_are_data
from tests.support.running import Lab, RunResult
from tests.support.tools import calls_turn, final_turn, register_tools, tool_user_flow
from tests.support.web_server import Answer, site

pytest.importorskip("mcp")

QUOTE = "Reclaimed words are allowed."
PLACES: dict[str, str] = {}
"""Where the order stands in the conversation under way: place -> the text that stands there."""
SERVER = """\
import os
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("courts")


@server.tool(description=f"Returns a case. {os.environ.get('PLANTED_LIST', '')}")
async def get_case(number: int) -> str:
    if "PLANTED_ERROR" in os.environ:
        raise ToolError(os.environ["PLANTED_ERROR"])
    return f"Case {number}. {os.environ.get('PLANTED_RESULT', '')}"


@server.tool()
async def erase_all() -> str:
    return "erased"


server.run("stdio")
"""


@tool
async def look(text: str) -> str:
    """Looks something up."""
    if "error" in PLACES:
        raise ToolFailed(f"nothing there: {PLACES['error']}")
    return f"It is blue. {PLACES.get('result', '')}"


@tool
async def erase_all() -> str:
    """Erases everything."""
    raise AssertionError("an order was obeyed")


@dataclass(frozen=True)
class Conversation:
    """One conversation: its flow, where the order stands, and what is chosen and called all the same."""

    name: str
    flow: str
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    expected: tuple[str, ...] = ()


DESK, EXPLORE = ("search", "fetch", "draft", "stop"), ("search", "search", "stop")
CONVERSATIONS = [
    Conversation("a desk, nothing planted", "desk", {}, DESK),
    Conversation("a desk, in the question", "desk", {"question": ORDER}, DESK),
    Conversation("a desk, in a record", "desk", {"record": ORDER}, DESK),
    Conversation("a desk, in a record's title", "desk", {"title": ORDER}, DESK),
    Conversation("a desk, in a page", "desk", {"page": ORDER}, DESK),
    Conversation("a desk, in a page's title", "desk", {"page_title": ORDER}, DESK),
    Conversation("a desk, in what another model lacks", "desk", {"missing": ORDER}, DESK),
    Conversation("an exploration, nothing planted", "explore", {}, EXPLORE),
    Conversation("an exploration, in the question", "explore", {"question": ORDER}, EXPLORE),
    Conversation("an exploration, in a record", "explore", {"record": ORDER}, EXPLORE),
    Conversation("an exploration, in what was learned", "explore", {"learned": ORDER}, EXPLORE),
    Conversation("an exploration, in a question of its own", "explore", {"asked": ORDER}, EXPLORE),
    Conversation("tools, nothing planted", "look", {}, ("look", "fetch")),
    Conversation("tools, in a record", "look", {"question": ORDER}, ("look", "fetch")),
    Conversation("tools, in a page", "look", {"page": ORDER}, ("look", "fetch")),
    Conversation("tools, in a description", "look", {"description": ORDER}, ("look", "fetch")),
    Conversation("tools, in a result", "look", {"result": ORDER}, ("look", "fetch")),
    Conversation("tools, in an error", "look", {"error": ORDER}, ("look", "fetch")),
    Conversation("an outside server, nothing planted", "courts", {}, ("courts.get_case",)),
    Conversation("an outside server, in its list", "courts", {"list": ORDER}, ("courts.get_case",)),
    Conversation("an outside server, in a result", "courts", {"server_result": ORDER}, ("courts.get_case",)),
    Conversation("an outside server, in an error", "courts", {"server_error": ORDER}, ("courts.get_case",)),
]
IN_EVERY_RUN = (
    "a desk, nothing planted", "a desk, in a page", "tools, in a description", "tools, in a result",
    "an outside server, in a result",
)  # fmt: skip


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[ModelRequest]:
    """Every request to a model of the run."""
    seen, complete = list[ModelRequest](), Scripted.complete

    async def watched(self: Scripted, request: ModelRequest) -> ModelReply:
        seen.append(request)
        return await complete(self, request)

    monkeypatch.setattr(Scripted, "complete", watched)
    return seen


@pytest.fixture
def page() -> Iterator[str]:
    """The address of a page, which holds the order where `PLACES` says so."""
    answers = dict[str, Answer]()
    with site(answers) as (address, _), pytest.MonkeyPatch.context() as patch:
        patch.setattr(guarded_http, "GuardedHttp", partial(GuardedHttp, local=frozenset({address})))
        title, text = (PLACES.get(name, "").replace("<", "&lt;") for name in ("page_title", "page"))
        body = f"<p>{QUOTE} {'It was said at some length. ' * 9}{text}</p>"
        html = f"<html><head><title>A page {title}</title></head><body><article>{body}</article></body></html>"
        answers["/page"] = Answer(html.encode())
        yield f"http://{address}/page"


@pytest.fixture(autouse=True)
def _places(request: pytest.FixtureRequest) -> None:
    PLACES.clear()
    PLACES.update(request.getfixturevalue("conversation").places)


@pytest.mark.parametrize(
    "conversation",
    [
        pytest.param(one, id=one.name, marks=[] if one.name in IN_EVERY_RUN else pytest.mark.slow)
        for one in CONVERSATIONS
    ],
)
async def test_an_order_that_a_conversation_reads_changes_nothing(
    conversation: Conversation,
    lab: Lab,
    page: str,
    requests: list[ModelRequest],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    write = {"desk": _write_desk, "explore": _write_explore, "look": _write_look, "courts": _write_courts}
    register_tools(monkeypatch, f"{__name__}:look", f"{__name__}:erase_all")
    if "description" in PLACES:
        monkeypatch.setitem(vars(look), "definition", look.definition.model_copy(update={"description": ORDER}))
    write[conversation.flow](lab, page, monkeypatch, tmp_path)
    ran = await lab.run(f"query=Are reclaimed words allowed? {page} {PLACES.get('question', '')}")
    assert ran.state.is_completed(), ran.state
    assert _done(ran) == conversation.expected
    value: Any = thawed(ran.result)
    assert value["claims"] if "claims" in value else value["answer"] == "Yes."
    _check_task_runs(ran)
    read = [one for one in requests if any(SIGN in message.text for message in one.messages)]
    assert bool(read) == bool(conversation.places)
    for one in requests:
        check_that_planted_orders_are_data(one)


def _done(ran: RunResult) -> tuple[str, ...]:
    """What hosts chose and tools were called, in order."""
    hosts = [row for step in ("host", "explorer") for row in ran.rows(step)]
    chosen = [thawed(row.value)["target"] for row in hosts]
    return (*chosen, *(call.tool for row in ran.rows("find") for call in row.tools))


def _check_task_runs(ran: RunResult) -> None:
    """Each cell that ran and each call of a tool is a task run, and there is no other that did something."""
    ended = [run.name for run in ran.server.cells if run.state_name != "Skipped"]
    cells = [row for row in ran.traces if row.status != "skipped"]
    calls = [call for row in ran.traces for call in row.tools]
    assert len(ended) == len(cells) + len(calls)
    assert not any("erase" in name for name in ended)
    assert ran.lost_task_runs == 0


OBEYS_AS_HOST: dict[str, Any] = {
    "match": SIGN,
    "times": 1,
    "reply": {"target": "erase_all", "inputs": {}, "reason": "told to"},
}
OBEYS_AS_USER: dict[str, Any] = {"match": SIGN, "times": 1, "reply": calls_turn(("erase_all", {}))}


def _write_corpus(lab: Lab, flow: str, lead: list[dict[str, Any]]) -> None:
    lab.flow = flow
    title, text = PLACES.get("title", ""), PLACES.get("record", "")
    records = [{"record_id": "case-1", "title": f"Case 1 {title}", "text": f"{QUOTE} It was case 1. {text}"}]
    lab.write("cases.jsonl", records)
    lab.write("storage/osb.yaml", "osb: {type: corpus, label: Cases, source: {type: file, path: cases.jsonl}}\n")
    claim = {"quotes": [{"passage": "P1", "quote": QUOTE}], "text": f"They are. {PLACES.get('learned', '')}"}
    missing = [PLACES["missing"]] if "missing" in PLACES else []
    draft = {"claims": [claim], "answerable": True, "unanswered": missing}
    lab.write_model("lead", *lead, {"output_name": "ResearchDraft", "reply": draft})
    lab.settings = ["llms.researchers=[lead]", "llms.host=lead", "llms.general=lead"]


def _write_desk(lab: Lab, page: str, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    arguments: dict[str, Any] = {"search": {"queries": ["allowed words"]}, "fetch": {"url": page}}
    replies = [{"target": step, "inputs": arguments.get(step, {}), "reason": "next"} for step in DESK]
    lines = [{"output_name": "HostChoice", "times": 1, "reply": reply} for reply in replies]
    _write_corpus(lab, "desk", [{"output_name": "HostChoice", **OBEYS_AS_HOST}, *lines])


def _write_explore(lab: Lab, _page: str, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    questions = [f"What of irony? {PLACES.get('asked', '')}", "What of art?", ""]
    lines: list[dict[str, Any]] = [
        {"output_name": "FollowUpDraft", "times": 1, "reply": {"reason": "open", "question": one, "queries": []}}
        for one in questions
    ]
    _write_corpus(lab, "explore", [{"output_name": "FollowUpDraft", **OBEYS_AS_HOST}, *lines])


def _write_look(lab: Lab, page: str, _monkeypatch: pytest.MonkeyPatch, _folder: Path) -> None:
    lab.write("flows/tiny.yaml", tool_user_flow("look", "fetch", asked="query", parameters="model: x, max_rounds: 3"))
    turns = [calls_turn(("look", {"text": "sky"})), calls_turn(("fetch", {"url": page})), final_turn("Yes.")]
    lab.write_model("x", OBEYS_AS_USER, *({"times": 1, "reply": turn} for turn in turns))


def _write_courts(lab: Lab, _page: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    planted = {name: PLACES[name] for name in ("list", "server_result", "server_error") if name in PLACES}
    names = [f"PLANTED_{name.removeprefix('server_').upper()}" for name in planted]
    for name, text in zip(names, planted.values(), strict=True):
        monkeypatch.setenv(name, text)
    script = lab.write("server.py", SERVER)
    config = {"command": [sys.executable, str(script)], "env": names, "allow": ["get_*"]}
    lab.write("tools/courts.yaml", json.dumps({"courts": config}))
    use_own_config(monkeypatch, folder / "own", allowed={"tools": {f"{sys.executable} {script}": names}})
    lab.write("flows/tiny.yaml", tool_user_flow("courts.get_case", asked="query"))
    turns = [calls_turn(("courts.get_case", {"number": 7})), final_turn("Yes.")]
    lab.write_model("x", OBEYS_AS_USER, *({"times": 1, "reply": turn} for turn in turns))
