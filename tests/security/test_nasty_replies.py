"""A hundred replies that no honest model gives, through a judge and into tables and report: each is an outcome of its
cell, nothing of it is run, and none costs another cell its place."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from contract.base import canonical_json
from contract.errors import CellError, OutputInvalid
from contract.messages import AgentOutput, AgentTrace
from flows.files.control_characters import escape_controls
from flows.run_folder.derive import derive
from tests.agents.agent_calls import RECORD, ask_agent, plain_value, replying_with
from tests.agents.test_judges import ONE
from tests.report.test_page import ParsedPage
from tests.security.nasty_replies import REPLIES, WORDS
from tests.support.traces import cell, record, spec, write_run

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


async def judged(reply: str) -> AgentOutput | CellError:
    """What a judge makes of a model that gives that reply however often it is asked."""
    try:
        return await ask_agent("judge", replying_with(reply, reply, reply), {}, ONE, criteria="one")
    except CellError as error:
        return error


def test_there_are_a_hundred() -> None:
    assert len(REPLIES) >= 100 and len({(kind, name) for kind, name, _ in REPLIES}) == len(REPLIES)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("kind", "name", "reply"), REPLIES, ids=[f"{kind}: {name}" for kind, name, _ in REPLIES])
async def test_a_nasty_reply_is_an_outcome_of_its_cell(kind: str, name: str, reply: str) -> None:
    found = await judged(reply)
    if isinstance(found, CellError):
        assert isinstance(found, OutputInvalid) and len(found.calls) == 3, "every call stays in the account"
        assert len(str(found)) < 20_000, "the message is one that can be read"
        calls = found.calls
    else:
        value, calls = plain_value(found), found.calls
        assert value["verdict"] == "violates", "what was read is what the reply says"
        canonical_json(value).encode()
    for call in calls:
        call.model_dump_json().encode()


@pytest.mark.timeout(120)
async def test_nasty_replies_leave_tables_and_a_report_in_which_nothing_runs(tmp_path: Path) -> None:
    traces = list[AgentTrace]()
    for number, (_, _, reply) in enumerate(one for one in REPLIES if len(one[2]) < 100_000):
        found = await judged(reply)
        variant = {"criteria": "ordinary", "model": "alpha"}
        of = record(number, text=RECORD.text)
        if isinstance(found, CellError):
            error = {"kind": "OutputInvalid", "message": str(found)}
            traces.append(cell(of, variant, status="failed", calls=found.calls, error=error))
        else:
            traces.append(cell(of, variant, value=plain_value(found), calls=found.calls))
    folder = write_run(tmp_path / "run", traces, spec(resamples=0))
    derive(folder)
    with (folder / "cells.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == len(traces), "no cell is missing and none is two"
    page = (folder / "report.html").read_text(encoding="utf-8")
    parsed = ParsedPage(page)
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert {attributes.get("type") for tag, attributes, _ in parsed.inside if tag == "script"} <= {
        None,
        "application/json",
    }
    assert "alert(1)" not in "".join(
        text
        for tag, attributes, texts in parsed.inside
        if not attributes.get("type")
        for text in texts
        if tag == "script"
    )
    assert not _CONTROLS.search(page)


@pytest.mark.parametrize("text", WORDS.values(), ids=WORDS)
def test_nothing_of_a_reply_commands_a_terminal(text: str) -> None:
    assert not _CONTROLS.search(escape_controls(text))
