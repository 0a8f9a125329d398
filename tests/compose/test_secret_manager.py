"""Secrets from Secret Manager and the environment: the real client against a server that speaks its protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.errors import StudyError
from contract.models import HostedModel
from tests.support.commands import ROOT
from tests.support.fake_secrets import FakeSecretManager, Response, error_response
from tests.support.own_config import use_own_config
from tests.support.question_flow import question_flow
from tests.support.running import Lab

KEY = "sk-planted-in-a-secret-0123456789"
SECRET = "projects/my-project/secrets/models"
FLOW = question_flow("mine")
MINE = {"kind": "hosted", "provider": "openai-compatible", "model_id": "m", "base_url": "http://127.0.0.1:9/v1"}


@pytest.fixture
def service() -> Iterator[FakeSecretManager]:
    """The service with a models.json as a secret."""
    with FakeSecretManager() as fake:
        fake.secrets[SECRET] = json.dumps({"mine": {**MINE, "api_key": KEY}})
        yield fake


@pytest.fixture
def study(tmp_path: Path) -> Lab:
    """A study whose files do not declare its only model."""
    lab = Lab(tmp_path, "")
    lab.write("flows/tiny.yaml", FLOW)
    return lab


def local_settings(service: FakeSecretManager, name: str = SECRET, seconds: float = 10) -> str:
    """The text of the study's `local.yaml`."""
    return f"secrets:\n  models: {name}\n  endpoint: {service.url}\n  timeout_seconds: {seconds}\n"


def test_models_come_from_a_secret(study: Lab, service: FakeSecretManager) -> None:
    study.write("local.yaml", local_settings(service))
    found = study.compose("question=Why?").models["mine"]
    assert isinstance(found, HostedModel)
    assert found.api_key
    assert found.api_key.get_secret_value() == KEY
    assert service.requested_paths == [f"/v1/{SECRET}/versions/latest:access"]


def test_a_version_can_be_named(study: Lab, service: FakeSecretManager) -> None:
    study.write("local.yaml", local_settings(service, f"{SECRET}/versions/3"))
    study.compose("question=Why?")
    assert service.requested_paths == [f"/v1/{SECRET}/versions/3:access"]


def test_models_come_from_the_environment_and_win(
    study: Lab, service: FakeSecretManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    study.write("local.yaml", local_settings(service))
    monkeypatch.setenv("BUTTERMILK_MODELS_JSON", json.dumps({"mine": {**MINE, "model_id": "other"}}))
    found = study.compose("question=Why?").models["mine"]
    assert isinstance(found, HostedModel)
    assert found.model_id == "other"


def test_a_key_comes_from_a_secret_that_the_user_lets_go_to_that_address(
    study: Lab, service: FakeSecretManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.secrets["projects/p/secrets/key"] = f"{KEY}\n"
    study.write("models/mine.yaml", json.dumps({"mine": {**MINE, "api_key_secret": "projects/p/secrets/key"}}))
    study.write("local.yaml", f"secrets: {{endpoint: '{service.url}'}}\n")
    with pytest.raises(StudyError, match="would send the secret projects/p/secrets/key"):
        study.compose("question=Why?")
    assert service.requested_paths == [], "it is not even read"
    allowed = {"keys": {"projects/p/secrets/key": "http://127.0.0.1:9"}}
    use_own_config(monkeypatch, tmp_path / "user", allowed=allowed)
    found = study.compose("question=Why?").models["mine"]
    assert isinstance(found, HostedModel)
    assert found.api_key
    assert found.api_key.get_secret_value() == KEY
    assert KEY not in found.model_dump_json()


def test_a_service_that_is_overloaded_is_asked_again(study: Lab, service: FakeSecretManager) -> None:
    service.fail_with(SECRET, error_response(503, "UNAVAILABLE", "busy"))
    study.write("local.yaml", local_settings(service))
    assert "mine" in study.compose("question=Why?").models
    assert len(service.requested_paths) == 2


def test_a_service_that_stays_overloaded_is_waited_for_no_longer_than_configured(
    study: Lab, service: FakeSecretManager
) -> None:
    service.fail_with(SECRET, error_response(429, "RESOURCE_EXHAUSTED", "slow down"))
    study.write("local.yaml", local_settings(service, seconds=1))
    with pytest.raises(StudyError) as caught:
        study.compose("question=Why?")
    assert "no answer within 1 s" in str(caught.value)
    assert len(service.requested_paths) >= 2


@dataclass(frozen=True)
class Case:
    """An answer of the service, and parts of the message that the user then reads."""

    name: str
    answer: Response
    expected_parts: tuple[str, ...]


CASES = [
    Case(
        "no role",
        error_response(403, "PERMISSION_DENIED", f"Permission denied; token {KEY}"),
        (
            "the secret 'models'",
            "the project 'my-project'",
            "roles/secretmanager.secretAccessor",
            "gcloud secrets add-",
        ),
    ),
    Case(
        "service disabled",
        error_response(403, "PERMISSION_DENIED", "Secret Manager API has not been used", "SERVICE_DISABLED"),
        ("'my-project' does not use Secret Manager", "gcloud services enable"),
    ),
    Case(
        "no such secret", error_response(404, "NOT_FOUND", KEY), ("there is no secret 'models'", "gcloud secrets list")
    ),
    Case(
        "login ended", error_response(401, "UNAUTHENTICATED", KEY), ("login", "gcloud auth application-default login")
    ),
    Case(
        "version destroyed",
        error_response(400, "FAILED_PRECONDITION", KEY),
        ("disabled or destroyed", "gcloud secrets versions list models"),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_missing_is_named_with_its_line(study: Lab, service: FakeSecretManager, case: Case) -> None:
    service.fail_with(SECRET, case.answer)
    path = study.write("local.yaml", local_settings(service))
    with pytest.raises(StudyError) as caught:
        study.compose("question=Why?")
    [problem] = caught.value.problems
    assert problem.where == f"{path}:2"
    assert all(words in str(problem) for words in case.expected_parts), str(problem)
    assert KEY not in str(problem)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("name", "endpoint", "message"),
    [
        ("models", "null", "secrets.models"),
        ("projects/p/secrets/../../../x", "null", "secrets.models"),
        (SECRET, "https://secretmanager.example.org", "an address of Google's"),
        (SECRET, "http://192.168.1.2:80", "this machine"),
        (SECRET, "https://user:pass@secretmanager.googleapis.com", "nothing more"),
        (SECRET, "https://evil.example/?googleapis.com", "nothing more"),
    ],
)
def test_a_login_is_sent_to_google_only(study: Lab, name: str, endpoint: str, message: str) -> None:
    study.write("local.yaml", f"secrets:\n  models: {name}\n  endpoint: {endpoint}\n")
    with pytest.raises(StudyError) as caught:
        study.compose("question=Why?")
    assert message.split(".")[-1] in str(caught.value)


def test_a_mistake_in_a_secret_is_reported_by_line_without_content(study: Lab, service: FakeSecretManager) -> None:
    service.secrets[SECRET] = f'{{\n "mine": {{"kind": "hosted", "api_key": "{KEY}"}}\n}}'
    study.write("local.yaml", local_settings(service))
    with pytest.raises(StudyError) as caught:
        study.compose("question=Why?")
    assert f"the secret {SECRET}:2" in str(caught.value)
    assert KEY not in str(caught.value)


def test_without_a_login_the_ways_to_log_in_are_named(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "study", "")
    lab.write("flows/tiny.yaml", FLOW)
    lab.write("local.yaml", f"secrets: {{models: {SECRET}}}\n")
    environment = {
        **os.environ, "HOME": str(tmp_path), "NO_GCE_CHECK": "true", "CLOUDSDK_CONFIG": str(tmp_path / "none"),
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    environment.pop("GOOGLE_APPLICATION_CREDENTIALS", None)
    done = subprocess.run(
        [sys.executable, "-m", "flows", "check", "+flows=[tiny]", "question=Why?", "--config-dir", str(lab.folder)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "gcloud auth application-default login" in done.stderr
    assert "GOOGLE_APPLICATION_CREDENTIALS" in done.stderr
    assert "Traceback" not in done.stderr
