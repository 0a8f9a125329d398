"""Keys planted in the environment, in a models.json and in a secret are shown and kept nowhere, even with `--debug`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.commands import ROOT
from tests.support.fake_llm import FakeLLM, Rule
from tests.support.fake_secrets import FakeSecretManager
from tests.support.own_config import write_own_config
from tests.support.running import Lab

KEYS = {
    "from_environment": "sk-planted-in-the-environment-01",
    "from_variable": "sk-planted-in-the-models-variable",
    "from_file": "sk-planted-in-the-models-file-0123",
    "from_secret": "sk-planted-in-the-models-secret-01",
    "by_name": "sk-planted-in-a-secret-of-its-own",
}
STEP = '  {name}: {{agent: llm, parameters: {{model: {name}, template: "user:\\n{{{{ record.text }}}}"}}}}\n'
FLOW = (
    "description: Tiny.\nparameters: {question: {required: true}}\nrecords: parameters.question\nsteps:\n"
    + "".join(STEP.format(name=name) for name in KEYS)
    + "result: from_file\n"
)
SECRET = "projects/my-project/secrets"


def _write_study(lab: Lab, service: FakeLLM, secrets: FakeSecretManager) -> dict[str, str]:
    """Writes a study whose five models have keys from five different places; returns the environment that it needs."""
    hosted = {"kind": "hosted", "provider": "openai-compatible", "model_id": "m", "base_url": service.openai_url}
    lab.write("flows/tiny.yaml", FLOW)
    lab.write("models.json", json.dumps({"from_file": {**hosted, "api_key": KEYS["from_file"]}}))
    secrets.secrets[f"{SECRET}/models"] = json.dumps({"from_secret": {**hosted, "api_key": KEYS["from_secret"]}})
    secrets.secrets[f"{SECRET}/one-key"] = KEYS["by_name"]
    more = {"from_environment": {"api_key_env": "MY_KEY"}, "by_name": {"api_key_secret": f"{SECRET}/one-key"}}
    lab.write("models/more.yaml", json.dumps({name: {**hosted, **field} for name, field in more.items()}))
    lab.write("local.yaml", f"secrets:\n  models: {SECRET}/models\n  endpoint: {secrets.url}\n")
    models = json.dumps({"from_variable": {**hosted, "api_key": KEYS["from_variable"]}})
    allowed = {"keys": {"MY_KEY": service.url, f"{SECRET}/one-key": [service.url]}}
    own = write_own_config(lab.folder.parent / "user", allowed=allowed)
    return {"MY_KEY": KEYS["from_environment"], "BUTTERMILK_MODELS_JSON": models, **own}


@pytest.mark.parametrize("debug", [pytest.param((), marks=pytest.mark.slow), ("--debug",)], ids=["quiet", "debug"])
def test_planted_keys_come_out_nowhere(lab: Lab, prefect_home: Path, tmp_path: Path, debug: tuple[str, ...]) -> None:
    with FakeLLM() as service, FakeSecretManager() as secrets:
        # Every failure of the fake repeats the key that it was sent.
        service.script(Rule(kind="status", status=500, times=5), Rule(kind="status", status=400))
        variables = _write_study(lab, service, secrets)
        work = tmp_path / "work"
        work.mkdir()
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": lab.api_url, **variables,
            "XDG_CACHE_HOME": str(work / "cache"), "XDG_STATE_HOME": str(work / "state"),
        }  # fmt: skip
        command = [sys.executable, "-m", "flows", "+flows=[tiny]", "question=Why?", "--config-dir", str(lab.folder)]
        output = ""
        for more in (("run.retry_delay_seconds=0", *debug), *([] if debug else [("--cfg",)])):
            done = subprocess.run(
                [*command, *more], cwd=work, env=environment, capture_output=True, text=True, timeout=120, check=False
            )
            output += done.stdout + done.stderr
        sent = "".join(str(request["headers"]) for request in service.log.requests)
    assert "HTTP 400" in output, output
    assert (work / "state/buttermilk/audit.jsonl").is_file()
    assert list(work.glob("runs/tiny/2*/log.jsonl"))
    for source, key in KEYS.items():
        assert key in sent, f"the key {source} was sent to the service"
        assert key not in output, source
        found = [file for folder in (work, lab.folder, prefect_home) for file in _holding(folder, key)]
        assert found == ([lab.folder / "models.json"] if source == "from_file" else []), source


def _holding(folder: Path, key: str) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return [path for path in files if key.encode() in path.read_bytes()]
