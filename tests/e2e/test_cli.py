"""The command line where nothing is run: help, lists, checks, plans, and mistakes reported in plain words."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.commands import CommandLine, CompletedCommand, write_files

HEAVY = ("prefect", "hydra", "omegaconf", "pydantic_ai", "onnxruntime", "google", "numpy")


def _check_plain(done: CompletedCommand, code: int) -> CompletedCommand:
    assert done.exit_code == code, done.transcript
    assert "Traceback" not in done.stderr, done.transcript
    assert "\x1b" not in done.stdout + done.stderr, done.transcript
    return done


@pytest.mark.parametrize("module", ["flows", "flows.osb"])
def test_help_names_the_verbs_and_the_exit_codes(cli: CommandLine, module: str) -> None:
    done = _check_plain(cli.run(module, "--help"), 0)
    assert all(word in done.stdout for word in ("plan", "check", "list", "--config-dir", "exit codes"))


def test_list_names_everything_a_study_may_name(cli: CommandLine) -> None:
    done = _check_plain(cli.run("flows", "list"), 0)
    assert all(word in done.stdout for word in ("osb", "researcher", "demo", "flow", "agent"))
    assert "osb" in str(json.loads(_check_plain(cli.run("flows", "list", "--json"), 0).stdout))


@pytest.mark.parametrize("arguments", [("list",), ("--help",)])
def test_quick_commands_import_nothing_heavy(cli: CommandLine, arguments: tuple[str, ...]) -> None:
    done = _check_plain(cli.run("flows", *arguments, PYTHONPROFILEIMPORTTIME="1"), 0)
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "contract" in imported
    assert not imported & set(HEAVY)


@pytest.mark.slow
def test_check_finds_no_mistake_in_the_shipped_flow(cli: CommandLine) -> None:
    assert "no mistakes" in _check_plain(cli.run("flows", "check", "+flows=[osb]"), 0).stdout
    assert json.loads(_check_plain(cli.run("flows.osb", "check", "--json"), 0).stdout) == {"ok": True, "records": []}


@pytest.mark.slow
def test_plan_shows_steps_calls_and_cost(cli: CommandLine) -> None:
    done = _check_plain(cli.run("flows", "plan", "+flows=[osb]", "query=Why?"), 0)
    assert "2 to 8 model calls; cost: nothing" in done.stdout
    [plan] = json.loads(_check_plain(cli.run("flows.osb", "plan", "query=Why?", "--json"), 0).stdout)
    assert [step["name"] for step in plan["steps"]][-1] == "answer" and plan["demonstration"]


def test_plan_counts_a_call_for_each_group(cli: CommandLine) -> None:
    write_files(cli.working_folder / "study", _OWN)
    [plan] = json.loads(
        _check_plain(cli.run("flows", "plan", "+flows=[many]", "--config-dir", "study", "--json"), 0).stdout
    )
    assert [(step["name"], step["least"], step["most"]) for step in plan["steps"]] == [("draft", 6, 6), ("join", 3, 3)]


def test_cfg_prints_the_composition_even_without_keys(cli: CommandLine) -> None:
    done = cli.run("flows", "--cfg", "+flows=[osb]", "llms@bm.llms=full", "run.concurrency=3")
    config = json.loads(done.stdout)
    assert config["llms"]["general"] == "claude-sonnet" and config["run"]["concurrency"] == 3
    assert _check_plain(done, 0)


def test_a_users_config_folder_comes_first(cli: CommandLine) -> None:
    write_files(cli.working_folder / "study", _OWN)
    done = _check_plain(cli.run("flows", "check", "+flows=[many,osb]", "--config-dir", "study"), 0)
    assert "many, osb" in done.stdout


MISTAKES = {
    "an unknown verb": (("plna",), "did you mean 'plan'?"),
    "an unknown option": (("--jsno",), "did you mean '--json'?"),
    "no flow": (("run",), "write +flows=osb"),
    "an unknown flow": (("+flows=[osv]", "query=x"), "did you mean 'osb'?"),
    "no question, and nobody to ask": (("+flows=[osb]",), 'write query="…"'),
    "an empty question": (("+flows=[osb]", "query="), 'write query="…"'),
    "a parameter that no flow has": (("+flows=[osb]", "query=x", "qurey=y"), "did you mean 'query'?"),
    "a wrong type": (("+flows=[osb]", "query=x", "limit=many"), "should be a whole number"),
    "a missing key": (("+flows=[osb]", "query=x", "llms=lite"), "set the environment variable GEMINI_API_KEY"),
    "a missing folder": (("+flows=[osb]", "query=x", "--config-dir", "nowhere"), "there is no such folder"),
}


_ALSO_IN_PROCESS = ("no flow", "an empty question", "a parameter that no flow has", "a wrong type")
"""Found while composing, which tests/check and tests/compose try without a command."""


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.slow] if one in _ALSO_IN_PROCESS else []) for one in MISTAKES]
)
def test_a_mistake_is_reported_plainly_and_nothing_runs(cli_with_server: CommandLine, name: str) -> None:
    arguments, message = MISTAKES[name]
    done = _check_plain(cli_with_server.run("flows", *arguments), 2)
    assert message in done.stderr, done.transcript
    assert not done.stdout and not (cli_with_server.working_folder / "runs").exists()
    assert not cli_with_server.leftover_processes()


def test_a_mistake_ends_the_server_that_was_started_and_json_leaves_stdout_empty(cli: CommandLine) -> None:
    assert not _check_plain(cli.run("flows.osb", "query=x", "llms=lite", "--json"), 2).stdout
    assert not cli.leftover_processes()


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


def test_the_verb_may_stand_after_the_settings(cli: CommandLine) -> None:
    done = _check_plain(cli.run("flows.osb", "--config-dir", ".", "llms=embedded", "check"), 0)
    assert "no mistakes found" in done.stdout


def test_a_closed_pipe_is_no_error(cli: CommandLine) -> None:
    command = f"{sys.executable} -m flows list | head -1"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=cli.working_folder,
        env=cli.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
