"""A key that a person types or pastes anywhere in a command is repeated in no message, and goes into no run."""

from __future__ import annotations

import json

import pytest

from contract.errors import Problem, StudyError
from flows.cli.main import main
from flows.compose.compose import compose
from flows.config.diagnostics import display_argument

KEY = "sk-abcdefghijklmnop0123456789"
HEX = "0f3a9b8c7d6e5f4a3b2c1d0e9f8a7b6c"
PASSWORD = "hunter2pass"
TYPED = [
    f"secrets.x={KEY}", f"secrets.x={HEX}", f"secrets.models={PASSWORD}", f"+secrets.x={PASSWORD}", KEY,
    f"run.foo={HEX}",
    f"run.retries={KEY}", f"run.retries={HEX}", f"flow={KEY}", f"+run.x=[{KEY}",
    f"~{KEY}", f"run@{KEY}=x", f"run={KEY}",
    f"records={KEY}", f"model={KEY}", f"labels.{KEY}=x", f"--{KEY}", f"key {KEY}", f"run.results=s3://{PASSWORD}:x@h/y",
    f"+models.x={{kind: hosted, provider: openai, model_id: m, extra_headers: {{x-api-key: {PASSWORD}}}}}",
    f"+models.gpt.extra_headers.Authorization={PASSWORD}", "run.x=${oc.env:" + KEY + "}", f"query=Is {KEY} a key?",
]  # fmt: skip


@pytest.mark.parametrize("argument", TYPED)
def test_no_message_repeats_a_key_that_was_typed(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    for more in (("check",), ("--cfg",)):
        main([*more, "+flows=tox", argument])
    said = "".join(capsys.readouterr())
    assert not [secret for secret in (KEY, PASSWORD) if secret in said], said
    assert HEX not in "".join(line for line in said.splitlines() if line.startswith("command line"))


def test_a_key_in_a_question_is_refused_before_it_is_written_anywhere() -> None:
    with pytest.raises(StudyError, match="looks like a key of a service"):
        compose(["osb"], [f"query=Why is {KEY} not accepted?"])


@pytest.mark.parametrize(
    "argument",
    [
        "models.lite.api_key=**********",
        "++models.lite.api_key=**********",
        "+models.x={kind: hosted, provider: openai, model_id: m, api_key: **********}",
        "models.lite.base_url=https://**********@models.example.org/v1",
        "secrets.x=**********",
    ],
)
def test_the_stars_of_a_printed_command_are_no_key(argument: str) -> None:
    with pytest.raises(StudyError, match="the stars stand for a key, which a printed command leaves out"):
        compose(["osb"], ["query=Why?", argument])


def test_stars_in_a_question_are_only_stars() -> None:
    assert compose(["osb"], ["query=Why is this ********** there?"])


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn",
        "sklearn.model_selection",
        "hf-dataset-of-posts-and-comments",
        "key-findings-of-the-report",
        "gs://b/x",
    ],
)
def test_ordinary_words_are_shown(text: str) -> None:
    assert display_argument(f"records={text}") == f"records={text}"
    assert text in str(Problem("command line: x", f"there is no '{text}'"))
    assert json.dumps(text)
