"""Every way to write a command or a study composes into what it stands for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from contract.errors import StudyError
from contract.flow import Loop, Step
from contract.models import ModelConfig
from contract.storage import CorpusStorage, FileStorage
from flows.compose.compose import compose
from flows.compose.request import with_request_parameter
from flows.spec.study import Study
from tests.compose.tiny_study import FLOW, compose_study, write_study

KEYS = ("GEMINI_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEYS:
        monkeypatch.setenv(key, "a key for tests")


def step(study: Study, *names: str) -> Step:
    """The step of that name; inside loops, the loops' names first."""
    nodes: Any = study.flow.steps
    for name in names[:-1]:
        nodes = cast("Loop", nodes[name]).loop
    return cast("Step", nodes[names[-1]])


def _ready(config: ModelConfig) -> None:
    """Stands in for the check that a local model's file is there."""


def researchers(study: Study) -> tuple[Any, ...]:
    return step(study, "rounds", "research").variants["model"]


@pytest.mark.parametrize("spelling", ["+flows=[osb]", "flows=[osb]", "+flows=osb", "flows=osb", '+flows=["osb"]'])
def test_a_flow_is_named(spelling: str) -> None:
    [study] = compose([], [spelling, "query=Why?"])
    assert study.flow.name == "osb"
    assert study.request == {"query": "Why?", "limit": 12, "earlier": None, "fetch": False}
    assert study.used_models == {"demo"}
    storage = study.storage["osb"]
    assert isinstance(storage, CorpusStorage)
    assert isinstance(storage.source, FileStorage) and storage.source.path.is_absolute()


def test_several_flows_are_several_studies_in_the_order_named(tmp_path: Path) -> None:
    folder = write_study(tmp_path, {})
    studies = compose([], ["+flows=[mine,osb]", "query=Why?"], folder)
    assert [study.flow.name for study in studies] == ["mine", "osb"]


@pytest.mark.parametrize(
    "question",
    [
        'When, "exactly", and why: (a=b)? [x] {y} ${z} \\ #1',
        "null",
        "12",
        "it's",
        "  spaces  ",
        "a\nb",
    ],
)
def test_a_question_is_taken_as_it_was_typed(question: str) -> None:
    [study] = compose(["osb"], [f"query={question}"])
    assert study.request["query"] == question


def test_roles_are_chosen_by_llms() -> None:
    [study] = compose(["osb"], ["query=x", "llms=lite"])
    assert researchers(study) == ("gemini-flash", "gpt-mini", "claude-haiku")
    assert study.used_models == {"gemini-flash", "gpt-mini", "claude-haiku"}
    assert study.provenance.where(("flows", "osb", "steps", "rounds", "loop", "research", "variants", "model")) == (
        "conf/llms/lite.yaml:4"
    )


@pytest.mark.parametrize("spelling", ["llms@bm.llms=full", "+llms@bm.llms=full"])
def test_a_second_choice_is_laid_over_the_first_before_it_is_used(spelling: str) -> None:
    [study] = compose(["osb"], ["query=x", "llms=lite", spelling, "llms.host=demo"])
    assert researchers(study) == ("gemini-pro", "gpt", "claude-sonnet")
    assert step(study, "synthesise").parameters["model"] == "claude-sonnet"
    assert step(study, "rounds", "host").parameters["model"] == "demo", "the command line goes before both"


def test_values_are_overridden_by_dotted_names() -> None:
    arguments = ["query=x", "run.concurrency=10", "llms.general=local", "flows.osb.steps.rounds.max_rounds=2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("flows.check.resources.readiness_problem", _ready)
        [study] = compose(["osb"], [*arguments, "+flows.osb.steps.synthesise.parameters.temperature=0"])
    assert study.run.concurrency == 10
    assert step(study, "synthesise").parameters == {"model": "local", "temperature": 0}
    assert cast("Loop", study.flow.steps["rounds"]).max_rounds == 2
    assert study.provenance.where(("run", "concurrency")) == "command line: run.concurrency=10"


def test_a_request_goes_before_the_agent_and_the_flow() -> None:
    [study] = compose(["osb"], ["query=x", "limit=5"])
    assert step(study, "rounds", "search").parameters == {"limit": 5}
    [study] = compose(["osb"], ["query=x", "flows.osb.parameters.limit.default=7"])
    assert step(study, "rounds", "search").parameters == {"limit": 7}
    [study] = compose(["osb"], ["query=x", "model=gpt"])
    assert researchers(study) == ("gpt",)
    assert step(study, "synthesise").parameters["model"] == "gpt"
    [study] = compose(["osb"], ["query=x", "model=[gpt, demo]"])
    assert researchers(study) == ("gpt", "demo")


def test_files_of_a_users_study_go_before_the_shipped_ones(tmp_path: Path) -> None:
    prompt = "user:\n{{ question }} {{ passages }}\n"
    files = {
        "flows/osb.yaml": FLOW,
        "llms/lite.yaml": "general: second\nhost: second\n",
        "prompts/researcher.md": prompt,
        "local.yaml": "defaults:\n  - _self_\n  - override /llms: lite\nllms: {host: demo}\nrun: {batch: 3}\n",
    }
    [study] = compose(["osb"], ["query=x"], write_study(tmp_path, files))
    assert study.flow.corpus == "papers"
    assert study.folders[0] == tmp_path
    assert study.run.batch == 3
    assert study.config["llms"] == {"general": "second", "host": "demo"}


def test_a_folder_with_spaces_commas_and_quotation_marks(tmp_path: Path) -> None:
    folder = tmp_path / "my study, the 'first' = one"
    [study] = compose_study(write_study(folder, {}))
    assert study.flow.name == "mine"


def test_steps_are_brought_in_by_package_directives(tmp_path: Path) -> None:
    body = FLOW.replace("        agent: researcher\n", "").replace(
        "        variants:\n          model: [demo, second]\n", ""
    )
    directives = "defaults:\n  - _self_\n  - /agents@agents: researcher\n  - /agents@steps: synthesiser\n"
    inputs = "flows.mine.steps.synthesise.inputs={question: parameters.query, answers: check.answers}"
    [study] = compose_study(write_study(tmp_path, {"flows/mine.yaml": directives + body}), f"+{inputs}")
    assert step(study, "rounds", "research").agent == "researcher"
    assert researchers(study) == ("demo",)
    assert step(study, "rounds", "research").inputs["passages"] == "search.passages"
    assert step(study, "synthesise").parameters == {"model": "demo"}
    path = ("flows", "mine", "steps", "rounds", "loop", "research", "agent")
    assert study.provenance.where(path) == "conf/agents/researcher.yaml:3"


def test_a_primary_config_of_the_users_own(tmp_path: Path) -> None:
    primary = "defaults:\n  - _self_\n  - llms: embedded\n  - run: default\n  - flows: [mine]\nextra: 1\n"
    folder = write_study(tmp_path, {"config.yaml": primary})
    [study] = compose([], ["query=x"], folder)
    assert study.flow.name == "mine"
    assert study.config["extra"] == 1
    both = compose([], ["query=x", "+flows=[osb]"], folder)
    assert [study.flow.name for study in both] == ["mine", "osb"]


def test_the_only_flow_of_a_study_need_not_be_named(tmp_path: Path) -> None:
    folder = write_study(tmp_path, {})
    [study] = compose([], ["query=x"], folder)
    assert study.flow.name == "mine" and f"'mine' is taken, the only flow in {folder}" in study.notices
    write_study(tmp_path, {"flows/other.yaml": (folder / "flows" / "mine.yaml").read_text()})
    with pytest.raises(StudyError, match=r"no flow is named; write \+flows=mine"):
        compose([], ["query=x"], folder)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["+flow=mine"], r"flow=mine: flows are named with 'flows'; write \+flows=mine"),
        (["flow=[mine, tox]"], r"flows are named with 'flows'; write \+flows='\[mine,tox\]'"),
        (["+Flows=[mine]"], r"Flows=\[mine\]: flows are named with 'flows'; write \+flows=mine"),
        (["flws=tox"], r"flows are named with 'flows'; write \+flows=tox"),
        (["+flow=min"], r"flows are named with 'flows', and there is no flow 'min'; write \+flows=mine; there are"),
        (["study=zzqq"], r"flows are named with 'flows', and there is no flow 'zzqq'; there are"),
        (["flow="], r"flows are named with 'flows'; there are"),
    ],
)
def test_a_flow_that_is_named_with_another_word_is_told(tmp_path: Path, arguments: list[str], told: str) -> None:
    folder = write_study(tmp_path, {})
    with pytest.raises(StudyError, match=told) as caught:
        compose([], ["query=x", *arguments], folder)
    assert len(caught.value.problems) == 1


def test_a_setting_that_only_looks_like_the_word_for_flows_is_not_taken_for_it(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no flow here takes 'flaws'"):
        compose([], ["query=x", "flaws=many"], write_study(tmp_path, {}))


def test_models_json_adds_models(tmp_path: Path) -> None:
    text = '{"ours": {"kind": "embedded", "version": "9"}}'
    [study] = compose_study(write_study(tmp_path, {"models.json": text}), "model=ours")
    assert study.used_models == {"ours"}


def test_a_question_may_come_later() -> None:
    [study] = compose(["osb"], [], require_request=False)
    assert study.missing_parameters == ("query",)
    completed = with_request_parameter(study, "query", "Why, then?")
    assert completed.request == {"query": "Why, then?", "limit": 12, "earlier": None, "fetch": False}
    assert completed.missing_parameters == ()


def test_composing_leaves_nothing_behind() -> None:
    from hydra.core.global_hydra import GlobalHydra

    compose(["osb"], ["query=x"])
    assert not GlobalHydra.instance().is_initialized()


@pytest.mark.parametrize("text", ["criteria=", "criteria=[]", "criteria= "])
def test_a_dimension_without_a_value_is_told(text: str) -> None:
    with pytest.raises(StudyError) as caught:
        compose(["tox"], [text])
    [problem] = caught.value.problems
    assert (problem.what, problem.todo) == ("'criteria' is empty", "write criteria=…, or leave it out")


@pytest.mark.parametrize(
    ("setting", "todo"),
    [
        ("run.folder=notes.txt", "write run.folder=runs, or another place"),
        ("run.results=notes.txt/kept", "write run.results=kept, or another place"),
        ("run.audit=notes.txt/audit.jsonl", "write run.audit=audit.jsonl, or another place"),
    ],
)
def test_a_file_where_a_run_needs_a_folder_is_told_beforehand(
    setting: str, todo: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("Mine.")
    with pytest.raises(StudyError) as caught:
        compose(["tox"], [setting])
    [problem] = caught.value.problems
    assert problem.where == f"command line: {setting}"
    assert "but notes.txt is a file and no folder" in problem.what and problem.todo == todo
