"""The command line where nothing is run: help, lists, checks, plans, and every mistake told in plain words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import Done, Place

HEAVY = ("prefect", "hydra", "omegaconf", "pydantic_ai", "onnxruntime", "google", "numpy")


def _plain(done: Done, code: int) -> Done:
    assert done.code == code, done.said
    assert "Traceback" not in done.err, done.said
    assert "\x1b" not in done.out + done.err, done.said
    return done


@pytest.mark.parametrize("module", ["flows", "flows.osb"])
def test_help_tells_the_verbs_and_the_exit_codes(place: Place, module: str) -> None:
    done = _plain(place.run(module, "--help"), 0)
    assert all(word in done.out for word in ("plan", "check", "list", "--config-dir", "exit codes"))


def test_list_names_what_there_is(place: Place) -> None:
    done = _plain(place.run("flows", "list"), 0)
    assert all(word in done.out for word in ("osb", "researcher", "demo", "flow", "agent"))
    assert "osb" in str(json.loads(_plain(place.run("flows", "list", "--json"), 0).out))


@pytest.mark.parametrize("arguments", [("list",), ("--help",)])
def test_what_should_be_quick_imports_nothing_heavy(place: Place, arguments: tuple[str, ...]) -> None:
    done = _plain(place.run("flows", *arguments, PYTHONPROFILEIMPORTTIME="1"), 0)
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.err.splitlines() if "|" in line}
    assert "contract" in imported
    assert not imported & set(HEAVY)


def test_check_finds_nothing_wrong_with_what_is_shipped(place: Place) -> None:
    assert "no mistakes" in _plain(place.run("flows", "check", "+flows=[osb]"), 0).out
    assert json.loads(_plain(place.run("flows.osb", "check", "--json"), 0).out) == {"ok": True, "records": []}


def test_plan_tells_steps_calls_and_cost(place: Place) -> None:
    done = _plain(place.run("flows", "plan", "+flows=[osb]", "query=Why?"), 0)
    assert "2 to 8 model calls; cost: nothing" in done.out
    [plan] = json.loads(_plain(place.run("flows.osb", "plan", "query=Why?", "--json"), 0).out)
    assert [step["name"] for step in plan["steps"]][-1] == "answer" and plan["demonstration"]


def test_plan_counts_a_call_for_each_group(place: Place) -> None:
    _study(place, _OWN)
    [plan] = json.loads(_plain(place.run("flows", "plan", "+flows=[many]", "--config-dir", "study", "--json"), 0).out)
    assert [(step["name"], step["least"], step["most"]) for step in plan["steps"]] == [("draft", 6, 6), ("join", 3, 3)]


def test_cfg_prints_the_composition_also_without_keys(place: Place) -> None:
    done = place.run("flows", "--cfg", "+flows=[osb]", "llms@bm.llms=full", "run.concurrency=3")
    config = json.loads(done.out)
    assert config["llms"]["general"] == "claude-sonnet" and config["run"]["concurrency"] == 3
    assert _plain(done, 0)


def test_a_config_folder_of_ones_own_comes_first(place: Place) -> None:
    _study(place, _OWN)
    done = _plain(place.run("flows", "check", "+flows=[many,osb]", "--config-dir", "study"), 0)
    assert "many, osb" in done.out


MISTAKES = {
    "an unknown verb": (("plna",), "did you mean 'plan'?"),
    "an unknown option": (("--jsno",), "unknown option --jsno"),
    "no flow": (("run",), "write +flows=[osb]"),
    "an unknown flow": (("+flows=[osv]", "query=x"), "did you mean 'osb'?"),
    "no question, and nobody to ask": (("+flows=[osb]",), 'write query="…"'),
    "an empty question": (("+flows=[osb]", "query="), 'write query="…"'),
    "a parameter that no flow has": (("+flows=[osb]", "query=x", "qurey=y"), "did you mean 'query'?"),
    "a wrong type": (("+flows=[osb]", "query=x", "limit=many"), "should be a whole number"),
    "a missing key": (("+flows=[osb]", "query=x", "llms=lite"), "set the environment variable GEMINI_API_KEY"),
    "a missing folder": (("+flows=[osb]", "query=x", "--config-dir", "nowhere"), "there is no such folder"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_plainly_and_nothing_runs(place: Place, name: str) -> None:
    arguments, told = MISTAKES[name]
    done = _plain(place.run("flows", *arguments), 2)
    assert told in done.err, done.said
    assert not done.out and not (place.work / "runs").exists()
    assert not place.left_behind()


def test_json_leaves_stdout_empty_when_there_is_no_result(place: Place) -> None:
    assert not _plain(place.run("flows.osb", "query=x", "llms=lite", "--json"), 2).out


_GROUPED = """\
parameters: {topic: {default: cats}}
records: parameters.topic
steps:
  draft:
    agent: llm
    parameters: {template: short}
    variants: {model: [one, other], instructions: [a, b, c]}
  join: {agent: llm, inputs: {material: draft}, parameters: {template: short, model: one}, group_by: [instructions]}
result: join
"""
_OWN = {
    "flows/many.yaml": _GROUPED,
    "prompts/short.md": "user:\n{{ record.text }}\n",
    "models/mine.yaml": "".join(
        f"{name}:\n  kind: hosted\n  provider: openai-compatible\n  model_id: {name}\n  base_url: http://127.0.0.1:9/v1\n"
        for name in ("one", "other")
    ),
}


def _study(place: Place, files: dict[str, str]) -> Path:
    folder = place.work / "study"
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_the_verb_may_stand_after_the_settings(place: Place) -> None:
    done = _plain(place.run("flows.osb", "--config-dir", ".", "llms=embedded", "check"), 0)
    assert "no mistakes found" in done.out


def test_a_reader_that_has_seen_enough_is_no_mistake(place: Place) -> None:
    command = f"{sys.executable} -m flows list | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=place.work, env=place.environment(), capture_output=True, text=True, check=True
    )
    assert not done.stderr
