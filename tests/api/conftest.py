"""A study and a fake service for it, called from Python: its own folder, its own kept replies, the tests' server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fake_llm import FakeLLM
from tests.support.fake_models import write_hosted_model
from tests.support.running import Lab

FLOW = """\
description: Tiny.
records: posts
steps:
  judge: {agent: judge, variants: {criteria: [one], model: [fake]}}
measures: {verdicts: judge, truth: violating, by: [place]}
"""


@pytest.fixture
def home(tmp_path: Path, prefect_api: str, hosted_service: FakeLLM, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The study's folder; the current folder is beside it."""
    hosted_service.log.reset()
    lab = Lab(tmp_path / "study", prefect_api)
    lab.write("flows/tiny.yaml", FLOW)
    lab.write("storage/posts.yaml", "posts: {type: file, path: posts.jsonl}\n")
    lab.write("posts.jsonl", [{"record_id": "p", "text": "A post of the study."}])
    lab.write("criteria/one.md", "---\ntitle: One\n---\nThe text of one.\n")
    write_hosted_model(lab, hosted_service, "openai")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PREFECT_API_URL", prefect_api)
    monkeypatch.chdir(tmp_path)
    return lab.folder
