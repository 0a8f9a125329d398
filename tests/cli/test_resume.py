"""The command that a run which waits prints, and writes into `waiting.yaml`: it works, and holds no key."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from flows.cli.resume import resume_command, waiting_lines

KEY = "sk-live-0123456789abcdefghij"
WORD = "correct-horse"
"""A password that looks like any other word."""
LONG = "a long text that stands before it and fills what is shown of an argument at most, " * 2
SECRETS = [
    f"models.m.api_key={KEY}",
    f"++models.m.api_key={WORD}",
    f"models.m={{kind: hosted, api_key: {WORD}}}",
    f"models.m={{description: '{LONG}', api_key: {WORD}}}",
    f'models.m={{kind: hosted, api_key: "two words {WORD}", model_id: x}}',
    f"models.m={{extra_headers: {{X-Auth: {WORD}}}, model_id: x}}",
    f"models.m.extra_headers={{X-Auth: {WORD}}}",
    f"models.m.extra_headers.X-Auth={WORD}",
    f"models.m.base_url=https://user:{WORD}@models.example.org/v1",
    f"query={LONG}{KEY}",
    f"{LONG}{KEY}",
    f"secrets.mine={WORD}",
    f"secrets={{mine: {WORD}}}",
]


def command(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """The command that is printed after a run with those arguments."""
    monkeypatch.setattr("sys.argv", ["flows", "+flows=tox", *arguments])
    return resume_command(Path("runs/tox/1/waiting.yaml"))


@pytest.mark.parametrize("argument", SECRETS)
def test_the_printed_command_holds_no_key(monkeypatch: pytest.MonkeyPatch, argument: str) -> None:
    printed = command(monkeypatch, argument)
    assert KEY not in printed
    assert WORD not in printed
    assert "+flows=tox" in shlex.split(printed)
    shown = "\n".join(waiting_lines([], Path("waiting.yaml"), printed))
    assert "type again what stands as **********" in shown


@pytest.mark.parametrize(
    "argument",
    [
        "++run.budget=2",
        "models.m.api_key_env=MY_KEY",
        f"query={LONG}",
        "models.m={kind: hosted, provider: openai, model_id: gpt-4o-mini, base_url: 'https://models.example.org/v1'}",
        "records=posts of 2024.csv",
        "--config-dir",
    ],
)
def test_the_printed_command_holds_all_else_as_it_was_typed(monkeypatch: pytest.MonkeyPatch, argument: str) -> None:
    printed = command(monkeypatch, argument, "answers=old.yaml")
    assert argument in shlex.split(printed)
    assert "old.yaml" not in printed
    assert printed.endswith("answers=runs/tox/1/waiting.yaml")
    assert "type again" not in "\n".join(waiting_lines([], Path("waiting.yaml"), printed))
