"""Fields that may be set on the command line although no file writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.models import EmbeddedModel, HostedModel, LocalModel
from contract.run import RunSettings
from contract.storage import FileStorage
from flows.cli.main import main
from flows.config.known_fields import is_known_field

CONFIG = {
    "models": {"a": {"kind": "hosted"}, "b": {"kind": "embedded"}, "c": {"kind": "local"}},
    "storage": {"posts": {"type": "file"}},
    "flows": {"f": {"steps": {"s": {"agent": "judge"}, "rounds": {"loop": {"t": {"agent": "judge"}}}}}},
    "run": {},
}


def test_every_declared_field_may_be_set() -> None:
    places = (("models.a", HostedModel), ("models.b", EmbeddedModel), ("models.c", LocalModel), ("run", RunSettings))
    for place, model in (*places, ("storage.posts", FileStorage)):
        for name in model.model_fields:
            assert is_known_field([*place.split("."), name], CONFIG), (place, name)


@pytest.mark.parametrize(
    ("name", "is_known"),
    [
        ("models.a.settings.max_tokens", True), ("models.a.limits.requests_per_minute", True),
        ("flows.f.steps.s.repeats", True), ("flows.f.steps.s.parameters.anything", True),
        ("flows.f.steps.rounds.loop.t.when", True), ("flows.f.measures.by", True),
        ("models.d.settings.seed", False), ("models.a.settings.max_tokns", False), ("models.b.base_url", False),
        ("models.d", False), ("flows.f.steps.u.repeats", False), ("llms.judges", False),
        ("storage.posts.bucket", False), ("run", False), ("unknown.x", False),
    ],
)  # fmt: skip
def test_a_name_is_known_where_it_is_declared_or_there(name: str, is_known: bool) -> None:
    assert is_known_field(name.split("."), CONFIG) == is_known


@pytest.mark.parametrize(
    "setting",
    [
        "models.demo.settings.max_tokens=100", "models.demo.settings={max_tokens: 100}", "storage.posts.masked=[text]",
        "flows.tox.steps.judge.parameters.temperature=0.5", "models.gpt-mini.limits.requests_per_minute=5",
    ],
)  # fmt: skip
def test_a_known_field_is_set_without_a_plus(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["check", setting], "tox") == 0, capsys.readouterr().err
