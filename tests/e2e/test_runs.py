"""Whole runs from the command line: answers, exit codes, what is left behind, and what is not."""

from __future__ import annotations

import csv
import json
import signal
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.commands import Place, run_folders, until
from tests.support.many_calls import CELLS, write_study
from tests.support.services import FakeService, fake_service, prefect_process
from tests.support.terminal import Terminal

QUESTION = "When does the Board accept a slur in political speech?"


@pytest.fixture(scope="module")
def service() -> Generator[FakeService]:
    """A model service that answers at once."""
    with fake_service(latency=0) as running:
        yield running


def test_a_question_is_answered_without_key_server_or_network(place: Place) -> None:
    done = place.run("flows.osb", f"query={QUESTION}", COLUMNS="44")
    assert done.code == 0, done.said
    assert (
        QUESTION.split()[-1] in done.out and "“" in done.out and "Demonstration quality" in done.out.replace("\n", " ")
    )
    assert "Plan: osb" in done.err and "Files: runs/osb/" in done.err and "prefect server start" in done.err
    assert "\x1b" not in done.out + done.err and "Traceback" not in done.err
    [folder] = run_folders(place, "osb")
    for name in ("manifest.json", "answers.jsonl", "cells.csv", "results.json", "answer.md"):
        assert (folder / name).stat().st_size, name
    assert not place.left_behind()


@pytest.mark.usefixtures("indexed")
def test_json_is_all_there_is_on_stdout_and_the_same_command_again_asks_nobody(beside: Place) -> None:
    first = beside.run("flows.osb", f"query={QUESTION}", "--json")
    again = beside.run("flows.osb", f"query={QUESTION}", "--json")
    told, repeated = json.loads(first.out), json.loads(again.out)
    assert not first.err and not again.err
    assert told["calls"]["paid"] > 0 and repeated["calls"] == {"paid": 0, "kept": sum(told["calls"].values())}
    assert repeated["results"] == told["results"]
    assert Path(told["folder"]).is_dir()
    assert not beside.left_behind()


@pytest.mark.usefixtures("indexed")
def test_the_bare_command_asks_an_example_where_nobody_can_be_asked(beside: Place) -> None:
    done = beside.run("flows.osb")
    assert done.code == 0, done.said
    assert "nothing was asked, so this is an example" in done.err and QUESTION in done.out
    forgotten = beside.run("flows.osb", "limit=5")
    assert forgotten.code == 2 and "the parameter 'query' is missing" in forgotten.err


@pytest.mark.usefixtures("indexed")
def test_several_flows_give_one_list(beside: Place, service: FakeService) -> None:
    study = write_study(beside.work / "study", service)
    arguments = ["+flows=[osb,many]", f"query={QUESTION}", "topic=cats", "--config-dir", str(study), "--json"]
    done = beside.run("flows", *arguments, SOME_KEY="k")
    assert done.code == 0, done.said
    assert [result["cells"]["completed"] for result in json.loads(done.out)][1] == CELLS


@pytest.mark.usefixtures("indexed")
def test_a_configured_server_is_used_and_none_started(beside: Place) -> None:
    command = beside.start("flows.osb", f"query={QUESTION}")
    seen = set[str]()
    until(lambda: seen.update(beside.left_behind(0)) or not command.running, "the end of the run")
    done = command.wait()
    assert done.code == 0, done.said
    assert f"{beside.extra['PREFECT_API_URL'].removesuffix('/api')}/runs/flow-run/" in done.err
    assert not any("flows.server.private_server" in line for line in seen)


@pytest.mark.usefixtures("indexed")
def test_a_server_on_this_machine_is_used_without_being_configured(place: Place, prefect_api: str) -> None:
    port = prefect_api.removesuffix("/api").rpartition(":")[2]
    done = place.run("flows.osb", f"query={QUESTION}", PREFECT_SERVER_API_PORT=port)
    assert done.code == 0, done.said
    assert f"Run in the Prefect UI: http://127.0.0.1:{port}/runs/flow-run/" in done.err
    assert not place.left_behind()


@pytest.mark.usefixtures("indexed")
def test_what_is_no_server_of_prefect_is_left_alone(place: Place, service: FakeService) -> None:
    done = place.run("flows.osb", f"query={QUESTION}", PREFECT_SERVER_API_PORT=service.url.rpartition(":")[2])
    assert done.code == 0, done.said
    assert "Run in the Prefect UI: `uv run prefect server start`, then" in done.err
    assert not place.left_behind()


def test_the_same_command_again_makes_no_call(beside: Place, service: FakeService) -> None:
    service.reset()
    arguments = ["+flows=[many]", "topic=dogs", "--config-dir", str(write_study(beside.work / "study", service))]
    first, again = (beside.run("flows", *arguments, SOME_KEY="k") for _ in range(2))
    assert first.code == again.code == 0, first.said + again.said
    assert service.calls() == CELLS
    results = [(folder / "results.json").read_text(encoding="utf-8") for folder in run_folders(beside, "many")]
    assert len(results) == 2 and results[0] == results[1]


def test_cells_without_output_end_the_run_with_1_and_each_has_a_row(beside: Place, service: FakeService) -> None:
    study = write_study(beside.work / "study", service)
    service.script([{"kind": "status", "status": 400, "match": "Number 07."}])
    done = beside.run("flows", "+flows=[many]", "topic=owls", "--config-dir", str(study), SOME_KEY="k")
    assert done.code == 1, done.said
    assert "cells have no output" in done.err and "Traceback" not in done.err
    rows = list(csv.DictReader((run_folders(beside, "many")[-1] / "cells.csv").open(encoding="utf-8")))
    ends = Counter((row["step"], row["status"]) for row in rows)
    assert ends == {
        ("draft", "failed"): 2,
        ("draft", "completed"): 58,
        ("compare", "skipped"): 1,
        ("compare", "completed"): 29,
    }


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["run.folder=/proc/nowhere"], {}, "cannot make the run folder"),
        ([], {"PREFECT_API_URL": "http://127.0.0.1:9/api"}, "http://127.0.0.1:9/api did not do its part"),
        ([], {"PREFECT_API_URL": "nonsense"}, "nonsense did not do its part"),
    ],
    ids=["a folder that cannot be", "a server that does not answer", "no address at all"],
)
def test_a_run_that_cannot_go_on_ends_with_3(
    beside: Place, arguments: list[str], environment: dict[str, str], told: str
) -> None:
    done = beside.run("flows.osb", "query=x", *arguments, **environment)
    assert done.code == 3, done.said
    assert told in done.err and "Traceback" not in done.err
    assert not done.out


@pytest.mark.usefixtures("indexed")
def test_at_a_terminal_it_asks_until_an_empty_line(beside: Place) -> None:
    with Terminal("flows.osb", folder=beside.work, environment=beside.environment()) as terminal:
        terminal.reads("> ")
        terminal.types("When is satire protected?")
        terminal.reads("Run in the Prefect UI")
        terminal.reads("> ")
        terminal.types("What is a good recipe for soup?")
        terminal.reads("does not say")
        terminal.reads("> ")
        terminal.types("")
        assert terminal.ends() == 0
    assert len(run_folders(beside, "osb")) == 2
    assert not beside.left_behind()


@pytest.mark.parametrize("alone", [True, False], ids=["with a server of its own", "with a server beside"])
def test_ctrl_c_ends_it_plainly_and_leaves_nothing_running(beside: Place, service: FakeService, alone: bool) -> None:
    study = write_study(beside.work / "study", service)
    service.script([{"kind": "hang"}])
    before = service.calls()
    more = {"PREFECT_API_URL": ""} if alone else {}
    command = beside.start("flows", "+flows=[many]", "topic=eels", "--config-dir", str(study), SOME_KEY="k", **more)
    until(lambda: service.calls() > before or not command.running, "the first call", 120)
    command.interrupt()
    done = command.wait(60)
    assert done.code == 130, done.said
    assert "Interrupted. The same command goes on from here" in done.err
    assert "Traceback" not in done.err and not done.out
    assert not beside.left_behind()


@pytest.mark.parametrize("signal_to_server", [signal.SIGKILL, signal.SIGSTOP], ids=["is gone", "says nothing"])
def test_ctrl_c_is_not_held_up_by_a_server_that(
    place: Place, service: FakeService, tmp_path: Path, database: Path, signal_to_server: signal.Signals
) -> None:
    study = write_study(place.work / "study", service)
    service.script([{"kind": "hang"}])
    before = service.calls()
    with prefect_process(tmp_path / "server", database) as (server, api_url):
        command = place.start(
            "flows", "+flows=[many]", "topic=eels", "--config-dir", str(study), SOME_KEY="k", PREFECT_API_URL=api_url
        )
        until(lambda: service.calls() > before or not command.running, "the first call", 120)
        server.send_signal(signal_to_server)
        try:
            command.interrupt()
            done = command.wait(30)
        finally:
            server.kill()
    assert done.code == 130, done.said
    assert done.err.count("Interrupted. The same command goes on from here") == 1
    assert "Traceback" not in done.err and "EventsWorker" not in done.err and not done.out, done.said
    assert not place.left_behind()


def test_the_block_on_the_network_has_teeth(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (place.work / "outside.py").write_text("import urllib.request as u\nu.urlopen('http://192.0.2.1/', timeout=5)\n")
    (place.work / "named.py").write_text("import socket\nsocket.getaddrinfo('example.org', 80)\n")
    assert "no network in tests" in place.run("outside").err
    assert "no network in tests" in place.run("named").err
    assert len(place.blocked) == 2
