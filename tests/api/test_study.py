"""study(...): records in memory, runs in scripts, loops, threads and Prefect flows, mistakes in sentences."""

from __future__ import annotations

import builtins
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from contract.errors import RunError, StudyError
from contract.record import Record
from flows import StudyRun, study
from flows.config.folders import search_folders
from flows.run_folder.replay import replay
from flows.run_folder.verify import verify
from tests.support.commands import ROOT, RunningCommand, wait_until
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.small_study import judge_reply

TEXTS = pd.DataFrame(
    {
        "text": ["One post.", "Another post."],
        "place": ["here", None],
        "day": pd.Timestamp(2026, 1, 2),
        "ground_truth": [{"violating": "violates"}, {"violating": "does_not_violate"}],
    }
)
HALF = "\ud83d"
"""Half of a character, as damaged exports have it."""
REPLY = judge_reply("violates")


def test_a_data_frame_gives_frames_and_is_paid_for_once(home: Path, hosted_service: FakeLLM, tmp_path: Path) -> None:
    hosted_service.script(Rule(reply=REPLY))
    tiny = study("tiny", config_dir=home, records=TEXTS, sample=np.int64(2))
    assert not tiny.check() and "2 records" in str(tiny.plan())
    run = tiny.run()
    assert hosted_service.stats()["calls"] == 2
    assert list(run.verdicts["verdict"]) == ["violates", "violates"] and set(run.verdicts["criteria"]) == {"one"}
    assert list(run.verdicts["by.place"].dropna()) == ["here"]
    assert len(run.cells) == 2 and set(run.cells["metadata.day"]) == {"2026-01-02T00:00:00.000"}
    assert set(run.measures["measure"]) >= {"accuracy"} and run.table("nothing").empty and run.results == []
    assert [trace.agent for trace in run.traces()] == ["judge", "judge"]
    again = tiny.run()
    assert (again.manifest["calls"], hosted_service.stats()["calls"]) == ({"paid": 0, "kept": 2}, 2)
    assert (again.folder / "verdicts.csv").read_bytes() == (run.folder / "verdicts.csv").read_bytes()
    (into := tmp_path / "replayed").mkdir()
    assert not replay(again.folder, into).different and not verify(again.folder, search_folders(home), None, None)
    assert StudyRun(str(run.folder)).verdicts.equals(run.verdicts)


@pytest.mark.parametrize(
    "records",
    [
        [{"text": "One."}, {"text": "Two.", "record_id": "b"}],
        [Record(record_id="a", text="One."), Record(record_id="b", text="Two.")],
        (Record(record_id=name, text=name) for name in "ab"),
        TEXTS["text"].to_frame(),
    ],
    ids=["dicts", "records", "generator", "frame"],
)
def test_any_records_in_memory_are_a_source_of_their_own(home: Path, records: Any) -> None:
    composed = study("tiny", config_dir=home, records=records).composed
    source: Any = composed.storage[composed.flow.records]
    lines = Path(source.path).read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2 and Path(source.path).parent == Path("runs/tiny/records").resolve()


def test_the_rows_of_a_frame_with_gaps_are_the_records_that_the_frame_is(home: Path) -> None:
    frame = pd.DataFrame({"text": ["One.", "Two."], "year": [1924.0, None]})
    sources: list[Any] = []
    for records in (frame, frame.to_dict("records")):
        composed = study("tiny", config_dir=home, records=records).composed
        sources.append(composed.storage[composed.flow.records])
    frame_rows, rows = (Path(one.path).read_text(encoding="utf-8").splitlines() for one in sources)
    assert [json.loads(line) for line in rows] == [json.loads(line) for line in frame_rows]


def test_a_file_and_a_storage_are_named_as_on_the_command_line(home: Path) -> None:
    pd.DataFrame({"body": ["One."]}).to_csv("mine.csv")
    named = study("tiny", config_dir=home, records=Path("mine.csv"), columns={"text": "body"}, seed=np.int64(7))
    assert "1 record" in str(named.plan()) and named.composed.run.seed == 7
    assert "1 record" in str(study("tiny", config_dir=home, records="posts", run__folder="my runs, (1)").plan())
    assert repr(named).startswith("study('tiny', records=…, columns=")


def test_a_notebook_shows_a_plan_once(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The name by which libraries know a notebook's kernel, and the variable that it sets for its cells.
    shell = type("ZMQInteractiveShell", (), {})
    monkeypatch.setattr(builtins, "get_ipython", shell, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    planned: Any = study("tiny", config_dir=home, records=TEXTS).plan()
    assert "Plan: tiny" in str(planned) and "Plan: tiny" in planned._repr_html_()
    assert not capsys.readouterr().out and "\x1b" not in str(planned)


async def test_a_run_inside_a_running_loop(home: Path, hosted_service: FakeLLM) -> None:
    hosted_service.script(Rule(reply=REPLY))
    assert "2 records" in str(study("tiny", config_dir=home, records=TEXTS).plan())
    assert (await study("tiny", config_dir=home, records=TEXTS).arun()).manifest["calls"] == {"paid": 2, "kept": 0}
    assert study("tiny", config_dir=home, records=TEXTS).run().manifest["calls"] == {"paid": 0, "kept": 2}


def test_two_threads_run_at_once_and_pay_once(home: Path, hosted_service: FakeLLM) -> None:
    hosted_service.script(Rule(reply=REPLY, latency=0.5))
    with ThreadPoolExecutor(2) as pool:
        started = [pool.submit(study("tiny", config_dir=home, records=TEXTS).run) for _ in range(2)]
        runs = [one.result() for one in started]
    assert hosted_service.stats()["calls"] == 2
    assert runs[0].folder != runs[1].folder and runs[0].verdicts.equals(runs[1].verdicts)


async def test_inside_a_flow_of_ones_own_a_study_is_a_child_run(
    home: Path, hosted_service: FakeLLM, prefect_api: str
) -> None:
    hosted_service.script(Rule(reply=REPLY))

    @flow
    async def mine() -> StudyRun:
        return await study("tiny", config_dir=home, records=TEXTS).arun()

    with temporary_settings({PREFECT_API_URL: prefect_api}):
        call: Any = mine
        state: State[Any] = await call(return_state=True)
        run: StudyRun = await state.aresult()
        async with get_client() as client:
            child = await client.read_flow_run(run.manifest["flow_run_id"])
            assert child.parent_task_run_id
            parent = await client.read_task_run(child.parent_task_run_id)
    assert parent.flow_run_id == state.state_details.flow_run_id


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"smaple": 3}, "argument `smaple`: no flow here takes 'smaple'; did you mean 'sample'?"),
        ({"sample": "many"}, "argument `sample`: "),
        ({"budget": object()}, "argument `budget`: an object is no setting"),
        ({"model": ["a,b"]}, "argument `model`: the item 'a,b' holds a comma"),
        ({"records": [1]}, "argument `records`, number 1: an int is no record; give a dict or a `Record`"),
        ({"records": 3}, "argument `records`: an int holds no records"),
        ({"records": []}, "argument `records`: there are no records in it"),
        ({"records": [{"text": "a", "x": float("inf")}]}, "argument `records`, number 1: it cannot be kept"),
        (
            {"recods": TEXTS},
            "argument `recods`: a DataFrame is no setting; records in memory are given as `records`; did you mean",
        ),
        ({"recods": [{"text": "a"}]}, "did you mean 'records'?"),
        (
            {"records": TEXTS[["text", "text"]]},
            "argument `records`: more than one column is called text; give each column",
        ),
        ({"records": [{"text": HALF}]}, "argument `records`, number 1: it holds half of a character"),
        (
            {"records": pd.DataFrame({"text": pd.Series(["a", "b", HALF, "c"], dtype=object)})},
            "argument `records`, number 3: the column 'text' holds half of a character",
        ),
        (
            {"records": pd.DataFrame({"text": ["a", b"\xff"]})},
            "number 2: the column 'text' holds bytes, which are no text",
        ),
        ({"records": "post"}, "did you mean 'posts'?"),
    ],
)
def test_mistakes_are_sentences(home: Path, settings: dict[str, Any], expected: str) -> None:
    found = study("tiny", config_dir=home, **{"records": TEXTS, **settings}).check()
    assert len(found) == 1 and expected in str(found[0]) and "command line" not in str(found)
    with pytest.raises(StudyError):
        study("tiny", config_dir=home, **{"records": TEXTS, **settings}).run()


def test_values_that_are_no_settings_are_told_at_once(home: Path) -> None:
    found = study("tiny", config_dir=home, recods=TEXTS, budget=object()).check()
    assert [one.where for one in found] == ["study(…): argument `recods`", "study(…): argument `budget`"]


@pytest.mark.parametrize(
    ("flow", "settings", "expected"),
    [
        ("osb", {}, "study(…): the flow 'osb' needs 'query'; give `query` (The research question)"),
        ("osb", {"query": " "}, "study(…): argument `query`: 'query' is empty; give `query`"),
        ("osb", {"query": "a", "limit": 0}, "study(…): argument `limit`: the parameter 'limit' is 0"),
        ("tiny", {"run__concurency": 1}, "study(…): argument `run__concurency`: 'run' holds nothing called"),
        ("tiny", {"columns": {"txt": "text"}}, "study(…): argument `columns.txt`: `columns` names no record field"),
        ("tiny", {"encoding": "utf-88"}, "study(…): argument `encoding`: "),
    ],
)
def test_a_mistake_names_the_argument_of_the_call(
    home: Path, flow: str, settings: dict[str, Any], expected: str
) -> None:
    records = TEXTS if flow == "tiny" else None
    [found] = study(flow, config_dir=home, records=records, **settings).check()
    assert str(found).startswith(expected)
    assert not any(typed in str(found) for typed in ("command line", 'query="'))


def test_ids_are_integers_also_beside_a_missing_one(home: Path) -> None:
    frame = pd.DataFrame({"record_id": [1, None, 3], "text": ["One.", "Two.", "Three."], "share": [0.5, 1, 2]})
    composed = study("tiny", config_dir=home, records=frame).composed
    source: Any = composed.storage[composed.flow.records]
    rows = pd.read_json(source.path, lines=True, dtype=False, orient="records")
    assert [line.split(",")[0] for line in Path(source.path).read_text().splitlines()] == [
        '{"record_id": 1', '{"record_id": null', '{"record_id": 3'
    ]  # fmt: skip
    assert list(rows["share"]) == [0.5, 1, 2]


def test_a_flow_that_is_not_there(home: Path) -> None:
    [problem] = study("tinny", config_dir=home).check()
    assert problem.nearest == "tiny"
    with pytest.raises(RunError, match="holds no finished run"):
        StudyRun("runs/tiny/never")


@pytest.mark.slow
def test_ctrl_c_in_a_script_keeps_what_is_paid(home: Path, hosted_service: FakeLLM, tmp_path: Path) -> None:
    hosted_service.script(Rule(kind="hang", match="Another post.", times=1), Rule(reply=REPLY))
    script = tmp_path / "script.py"
    script.write_text(f"""\
from flows import study
tiny = study("tiny", config_dir={str(home)!r}, records=[{{"text": "One post."}}, {{"text": "Another post."}}])
try:
    tiny.run()
except KeyboardInterrupt:
    print("interrupted", tiny.run().manifest["calls"])
""")
    running = RunningCommand([sys.executable, str(script)], tmp_path, {**os.environ, "PYTHONPATH": str(ROOT)})
    kept = tmp_path / "cache/buttermilk/results/replies"
    wait_until(lambda: any(path.is_file() for path in kept.rglob("*")), "the first reply", 120)
    wait_until(lambda: hosted_service.stats()["calls"] == 2, "the second call")
    running.interrupt()
    done = running.wait()
    assert done.stdout == "interrupted {'paid': 1, 'kept': 1}\n", done.transcript
    assert hosted_service.stats()["calls"] == 3


def test_importing_is_instant() -> None:
    program = "import sys, typing; before = set(sys.modules); import flows; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"flows"}, done.stdout


QUIET_PROGRAM = """\
import asyncio, sys

async def main():
    from flows import study
    assert "prefect" not in sys.modules
    judging = study("judger", records=[{"text": "A post."}], criteria="ordinary", model="demo")
    assert not judging.check().problems and judging.plan()
    run = await judging.arun()
    print(run.manifest["calls"])

asyncio.run(main())
"""


def test_a_program_in_the_projects_folder_reads_nothing_of_prefects(tmp_path: Path, prefect_api: str) -> None:
    """In that folder Prefect finds our plugin switched on; it cannot start plugins where a loop runs."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    own |= {"PREFECT_API_URL": prefect_api, "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(ROOT)}
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    program = [sys.executable, "-c", QUIET_PROGRAM]
    done = subprocess.run(program, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("{'paid': 1, 'kept': 0}\n", "", 0)
