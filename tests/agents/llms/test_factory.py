"""The model registry: builds models when they are asked for, keeps their replies, closes them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import HttpUrl

from agents.llms.factory import ModelRegistry, WrapperOptions, build_model
from agents.llms.readiness import readiness_problem
from agents.llms.reply_cache import InMemoryReplyStore
from contract.errors import ModelRejected, StudyError
from contract.models import EmbeddedModel, HostedModel, LocalModel, ModelConfig, ScriptedModel
from tests.agents.llms.requests import make_request
from tests.support.commands import ROOT
from tests.support.fake_llm import FakeLLM


def hosted_config(fake: FakeLLM, model_id: str = "qwen3") -> HostedModel:
    return HostedModel(provider="openai-compatible", model_id=model_id, base_url=HttpUrl(fake.openai_url))


async def test_models_are_built_once_and_their_replies_kept() -> None:
    with FakeLLM() as fake:
        registry = ModelRegistry({"reader": hosted_config(fake)}, WrapperOptions(InMemoryReplyStore()))
        assert registry.get("reader") is registry.get("reader")
        await registry.get("reader").complete(make_request())
        assert (await registry.get("reader").complete(make_request())).from_cache
        await registry.aclose()
        assert fake.stats()["calls"] == 1


async def test_models_of_one_provider_share_their_connections() -> None:
    with FakeLLM() as fake:
        registry = ModelRegistry({"a": hosted_config(fake, "one"), "b": hosted_config(fake, "two")})
        for name in ("a", "b", "a"):
            await registry.get(name).complete(make_request(name))
        await registry.aclose()
        ports = {sent["port"] for sent in fake.log.requests}
    assert len(ports) == 1


def test_an_unknown_model_is_reported_with_the_nearest_name() -> None:
    registry = ModelRegistry({"gemini-flash": EmbeddedModel(), "claude": EmbeddedModel()})
    with pytest.raises(ModelRejected, match="there is no model 'gemini-flsh'; did you mean 'gemini-flash'"):
        registry.get("gemini-flsh")
    with pytest.raises(ModelRejected, match="there are claude, gemini-flash"):
        registry.get("zzz")


def test_building_hosted_models_imports_nothing_heavy() -> None:
    code = (
        "import sys; from agents.llms.factory import build_model; from contract.models import HostedModel;"
        "build_model('m', HostedModel(provider='openai', model_id='gpt-4o', api_key='k')).fingerprint;"
        "print([n for n in ('pydantic_ai', 'openai', 'httpx2', 'onnxruntime', 'prefect') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (HostedModel(provider="openai", model_id="m", api_key_env="BUTTERMILK_NO_SUCH_KEY"), "BUTTERMILK_NO_SUCH_KEY"),
        (ScriptedModel(path=Path("nowhere.jsonl")), "there is no script"),
        (ScriptedModel(), "needs `path`"),
        (EmbeddedModel(), None),
    ],
)
def test_missing_keys_and_files_are_reported_before_anything_runs(config: ModelConfig, message: str | None) -> None:
    found = readiness_problem(config)
    assert found is None if message is None else message in (found or "")


def test_a_local_model_without_its_file_is_a_study_error(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="there is no file"):
        build_model("here", LocalModel(path=tmp_path / "none.gguf"))
