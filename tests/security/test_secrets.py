"""Secrets: a key that a service repeats in its error is shown and kept nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run.test_hosted import FLOW
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.fake_models import KEY, PROVIDERS, write_hosted_model
from tests.support.own_config import use_own_config
from tests.support.running import Lab


def holding(folder: Path, secret: str) -> list[Path]:
    """The files below a folder that hold the secret."""
    return [path for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


@pytest.mark.parametrize("where", ["configuration", "environment"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_key_is_shown_and_kept_nowhere(
    lab: Lab,
    hosted_service: FakeLLM,
    prefect_home: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    provider: str,
    where: str,
) -> None:
    # Every error of the service repeats the key that it was sent.
    hosted_service.log.reset()
    hosted_service.script(Rule(kind="status", status=500, times=1), Rule(kind="status", status=401))
    write_hosted_model(lab, hosted_service, provider)
    lab.write("flows/tiny.yaml", FLOW)
    if where == "environment":
        monkeypatch.setenv("MY_KEY", KEY)
        use_own_config(monkeypatch, tmp_path / "user", allowed={"keys": {"MY_KEY": hosted_service.url}})
        text = (lab.folder / "models/fake.yaml").read_text()
        lab.write("models/fake.yaml", text.replace(f'"api_key": "{KEY}"', '"api_key_env": "MY_KEY"'))
    caplog.set_level("DEBUG")
    ran = await lab.run("question=Why?")
    assert ran.rows("ask")[0].status == "failed"
    assert any(KEY in str(request["headers"]) for request in hosted_service.log.requests), "the key was sent"
    assert KEY not in caplog.text
    assert KEY not in "".join(capfd.readouterr())
    assert KEY not in str(ran.server)
    written = holding(lab.folder, KEY)
    assert written == ([lab.folder / "models/fake.yaml"] if where == "configuration" else [])
    assert holding(prefect_home, KEY) == []
