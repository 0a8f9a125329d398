"""Keys: each goes only where its provider or the user's own configuration allows it, whatever a study says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.errors import StudyError
from contract.models import HostedModel
from flows.spec.study import Study
from tests.support.own_config import use_own_config
from tests.support.question_flow import question_flow
from tests.support.running import Lab

FLOW = question_flow("mine")
SECRET = "planted-9f8e7d6c"
VARIABLES = (
    "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "AZURE_OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK",
    "DB_URL", "AWS_ACCESS_KEY_ID", "GITHUB_PAT", "PGPASS", "STRIPE", "MY_KEY",
)  # fmt: skip
BEDROCK = {"provider": "bedrock", "location": "us-east-1"}
GATEWAY = "https://llm.example.org"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A study with the model `mine`, on a machine with many keys in its environment."""
    for name in VARIABLES:
        monkeypatch.setenv(name, f"{SECRET}-{name}")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com/")
    monkeypatch.delenv("BUTTERMILK_MODELS_JSON", raising=False)
    use_own_config(monkeypatch, tmp_path / "user")
    lab = Lab(tmp_path / "study", "")
    lab.write("flows/tiny.yaml", FLOW)
    return lab


def key_of(study: Lab, *arguments: str, **fields: Any) -> str | None:
    """The key that the model of the study gets."""
    if fields:
        model = {"kind": "hosted", "provider": "openai", "model_id": "m", **fields}
        lines = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in model.items())
        study.write("models/mine.yaml", f"mine:\n{lines}")
    found = study.compose("question=Why?", *arguments).models["mine"]
    assert isinstance(found, HostedModel)
    return found.api_key.get_secret_value() if found.api_key else None


REFUSED = {
    "a provider's key to another host": {"base_url": "https://evil.example/v1"},
    "a host that begins like the provider's": {"base_url": "https://api.openai.com.evil.example/v1"},
    "a host that ends like the provider's": {"base_url": "https://evil-api.openai.com/v1"},
    "another port of the provider's host": {"base_url": "https://api.openai.com:8443/v1"},
    "the provider's host without encryption": {"base_url": "http://api.openai.com/v1"},
    "a final full stop": {"base_url": "https://api.openai.com./v1"},
    "a backslash": {"base_url": "https://evil.example\\@api.openai.com/v1"},
    "letters that look alike": {"base_url": "https://api.оpenai.com/v1"},
    "this machine": {"base_url": "http://localhost:11434/v1"},
    "anthropic": {"provider": "anthropic", "base_url": "https://evil.example"},
    "google": {"provider": "google", "base_url": "https://evil.example"},
    "azure": {"provider": "azure", "base_url": "https://evil.example"},
    "an address at azure that anybody can own": {"provider": "azure", "base_url": "https://theirs.openai.azure.com"},
    "azure's domain as a path": {"provider": "azure", "base_url": "https://evil.example/x.openai.azure.com"},
    "bedrock": {**BEDROCK, "base_url": "https://evil.example"},
    "somebody's bucket at amazon": {**BEDROCK, "base_url": "https://bedrock-runtime.s3.amazonaws.com"},
    "amazon's domain as a path": {**BEDROCK, "base_url": "https://evil.example/x.amazonaws.com"},
    "the login of Google Cloud": {"provider": "google-vertex", "base_url": "https://evil.example"},
    "another provider's key": {"api_key_env": "ANTHROPIC_API_KEY"},
    "a secret of Google's": {"api_key_secret": "projects/p/secrets/s"},
    **{f"{name} to the provider": {"api_key_env": name} for name in VARIABLES[5:]},
    **{
        f"{name} to a foreign host": {"provider": "openai-compatible", "base_url": f"{GATEWAY}/v1", "api_key_env": name}
        for name in VARIABLES
    },
}


def compose_all(study: Lab, models: Mapping[str, Mapping[str, Any]]) -> Study:
    """Composes the study with all these models, each in a file of its own."""
    every = {name.replace(" ", "-").replace("'", ""): fields for name, fields in models.items()}
    for name, fields in every.items():
        model = {"kind": "hosted", "provider": "openai", "model_id": "m", **fields}
        study.write(f"models/{name}.yaml", json.dumps({name: model}))
    step = {"agent": "llm", "parameters": {"template": "user:\n{{ record.text }}"}, "variants": {"model": [*every]}}
    flow = {"description": "Tiny.", "parameters": {"question": {"required": True}}, "records": "parameters.question"}
    study.write("flows/tiny.yaml", json.dumps({**flow, "steps": {"ask": step}, "result": "ask"}))
    return study.compose("question=Why?")


def test_a_study_sends_no_key_where_it_does_not_belong(study: Lab) -> None:
    with pytest.raises(StudyError) as caught:
        compose_all(study, REFUSED)
    assert all(" would send " in problem.what for problem in caught.value.problems)
    refused = {problem.where.split("/models/")[1].split(".yaml:")[0] for problem in caught.value.problems}
    assert refused == {name.replace(" ", "-").replace("'", "") for name in REFUSED}
    assert SECRET not in str(caught.value)


ALLOWED: dict[str, tuple[dict[str, Any], str | None]] = {
    "openai": ({}, "OPENAI_API_KEY"),
    "openai in a region": ({"base_url": "https://eu.api.openai.com/v1"}, "OPENAI_API_KEY"),
    "openai by its protocol": (
        {"provider": "openai-compatible", "base_url": "https://api.openai.com/v1", "api_key_env": "OPENAI_API_KEY"},
        "OPENAI_API_KEY",
    ),
    "anthropic": ({"provider": "anthropic"}, "ANTHROPIC_API_KEY"),
    "google": ({"provider": "google", "api_key_env": "GEMINI_API_KEY"}, "GEMINI_API_KEY"),
    "azure": ({"provider": "azure", "base_url": "https://mine.openai.azure.com"}, "AZURE_OPENAI_API_KEY"),
    "bedrock": (BEDROCK, "AWS_BEARER_TOKEN_BEDROCK"),
    "this machine": ({"provider": "openai-compatible", "base_url": "http://localhost:11434/v1"}, None),
    "a foreign host": ({"provider": "openai-compatible", "base_url": "https://evil.example/v1"}, None),
}


def test_a_providers_key_goes_to_the_provider_without_any_set_up(study: Lab) -> None:
    composed = compose_all(study, {name: fields for name, (fields, _) in ALLOWED.items()})
    [notice] = composed.notices
    assert notice == "the model 'a-foreign-host' of this study sends what it reads to https://evil.example"
    found = composed.models
    for name, (_, variable) in ALLOWED.items():
        config = found[name.replace(" ", "-")]
        assert isinstance(config, HostedModel)
        key = config.api_key.get_secret_value() if config.api_key else None
        assert key == (variable and f"{SECRET}-{variable}"), name


def test_azure_gets_its_key_only_where_the_user_has_a_resource(study: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"provider": "azure", "base_url": "https://mine.openai.azure.com"}
    assert key_of(study, **fields) == f"{SECRET}-AZURE_OPENAI_API_KEY"
    for endpoint in ("", "not an address", "http://mine.openai.azure.com", "https://theirs.openai.azure.com"):
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", endpoint)
        with pytest.raises(StudyError, match=r"would send .*allowed\.yaml, or set AZURE_OPENAI_ENDPOINT"):
            key_of(study, **fields)


def test_a_key_pasted_as_the_name_of_a_secret_is_refused_in_plain_words(study: Lab) -> None:
    with pytest.raises(StudyError) as caught:
        key_of(study, api_key_secret=SECRET)
    assert "should be the name of a secret, as in projects/my-project/secrets/my-key" in str(caught.value)
    assert SECRET not in str(caught.value) and "pattern" not in str(caught.value)


def test_the_line_that_the_message_names_allows_it(study: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {"provider": "openai-compatible", "base_url": f"{GATEWAY}:8443/v1", "api_key_env": "MY_KEY"}
    with pytest.raises(StudyError) as caught:
        key_of(study, **fields)
    line = str(caught.value).split("add `")[1].split("`")[0]
    file = Path(str(caught.value).split("`keys:` in ")[1])
    assert file == tmp_path / "user/allowed.yaml"
    file.write_text(f"keys:\n  {line}\n")
    assert key_of(study) == f"{SECRET}-MY_KEY"
    # The line is for that key and that address, and for nothing else.
    for other in ({"base_url": f"{GATEWAY}/v1"}, {"api_key_env": "DB_URL"}):
        with pytest.raises(StudyError, match="would send"):
            key_of(study, **{**fields, **other})


def test_a_misspelt_section_of_what_is_allowed_is_told_like_other_mistakes(study: Lab, tmp_path: Path) -> None:
    (tmp_path / "user").mkdir(exist_ok=True)
    (tmp_path / "user/allowed.yaml").write_text("# mine\nplces: [/data]\n")
    with pytest.raises(StudyError, match=r"allowed.yaml:2: this file has no field 'plces'; did you mean 'places'\?"):
        key_of(study)


@pytest.mark.parametrize("form", ["json", "yaml", "variable"])
def test_the_users_own_models_need_no_permission(
    study: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    mine = {"mine": {"kind": "hosted", "provider": "openai", "model_id": "m", "base_url": f"{GATEWAY}/v1"}}
    if form == "variable":
        monkeypatch.setenv("BUTTERMILK_MODELS_JSON", json.dumps(mine))
    elif form == "json":
        use_own_config(monkeypatch, tmp_path / "user", models=mine)
    else:
        (tmp_path / "user/models").mkdir()
        (tmp_path / "user/models/mine.yaml").write_text(json.dumps(mine))
    assert key_of(study) == f"{SECRET}-OPENAI_API_KEY"
    # A study with a model of that name changes nothing of it, and its other models may use the same gateway.
    study.write("models/theirs.yaml", json.dumps({"mine": {"base_url": "https://evil.example", "kind": "hosted"}}))
    study.write("flows/tiny.yaml", FLOW.replace("model: mine", "model: other"))
    fields = {"kind": "hosted", "provider": "openai-compatible", "model_id": "m", "api_key_env": "OPENAI_API_KEY"}
    study.write("models/theirs.yaml", json.dumps({"other": {**fields, "base_url": f"{GATEWAY}/v2"}}))
    study.compose("question=Why?")


def test_who_types_both_the_address_and_the_variable_has_paired_them(study: Lab) -> None:
    fields = {"provider": "openai-compatible", "base_url": "https://evil.example/v1"}
    typed = (f"models.mine.base_url={GATEWAY}/v1", "++models.mine.api_key_env=MY_KEY")
    assert key_of(study, *typed, **fields) == f"{SECRET}-MY_KEY"
    with pytest.raises(StudyError, match="would send"):
        key_of(study, typed[1])


def test_a_study_may_not_send_a_key_that_the_users_files_hold_elsewhere(
    study: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {"kind": "hosted", "provider": "openai", "model_id": "m", "api_key": f"{SECRET}-written"}
    use_own_config(monkeypatch, tmp_path / "user", models={"held": written})
    with pytest.raises(StudyError, match="names nothing in the configuration"):
        key_of(study, **{"base_url": "https://evil.example", "api_key": "${models.held.api_key}"})


PASTED = [
    "sk-0123456789abcdefghij", "AIzaSyD0123456789abcdefghij0123456789", "gsk_0123456789abcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "hf_abcdefghijklmnopqrst", "ghp_0123456789abcdefghij0123456789abcdef", "postgres://me:hunter2hunter2@db/x",
]  # fmt: skip


@pytest.mark.parametrize("field", ["api_key_env", "api_key_secret"])
@pytest.mark.parametrize("place", ["yaml", "json", "command line", "user's models", "user's allowed"])
def test_a_key_in_the_place_of_a_name_is_refused_and_not_shown(
    study: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str, place: str
) -> None:
    plain = {"kind": "hosted", "provider": "openai", "model_id": "m"}
    models = {"mine": {**plain, field: PASTED[0]}} | {
        f"m{number}": {**plain, field: key} for number, key in enumerate(PASTED[1:])
    }
    expected, arguments = len(PASTED), list[str]()
    match place:
        case "yaml":
            study.write("models/mine.yaml", json.dumps(models, indent=1))
        case "json":
            study.write("models.json", json.dumps(models))
        case "user's models":
            use_own_config(monkeypatch, tmp_path / "user", models=models)
        case "command line":
            study.write("models/mine.yaml", json.dumps({name: {**plain, field: None} for name in models}))
            arguments = [f"models.{name}.{field}='{fields[field]}'" for name, fields in models.items()]
        case _:
            study.write("models/mine.yaml", json.dumps({"mine": plain}))
            use_own_config(monkeypatch, tmp_path / "user", allowed={"keys": dict.fromkeys(PASTED, GATEWAY)})
            expected = 1
    with pytest.raises(StudyError) as caught:
        study.compose("question=Why?", *arguments)
    for key in PASTED:
        assert key[4:14] not in str(caught.value)
    assert len(caught.value.problems) == expected


def test_a_word_that_stands_for_no_key_may_go_to_any_server(study: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "none")
    fields = {"provider": "openai-compatible", "base_url": "http://127.0.0.1:11434/v1", "api_key_env": "MY_KEY"}
    assert key_of(study, **fields) == "none"


def test_a_key_in_a_file_of_the_study_is_noted_and_not_shown(study: Lab) -> None:
    key_of(study, api_key=f"sk-{SECRET}")
    [notice] = [text for text in study.compose("question=Why?").notices if "api_key_env" in text]
    assert "study/models/mine.yaml:5: " in notice and "the key of 'mine' is written in a file" in notice
    assert SECRET not in notice
    key_of(study, api_key_env="OPENAI_API_KEY")
    assert not any("api_key_env" in text for text in study.compose("question=Why?").notices)


def test_a_missing_permission_and_a_missing_key_are_told_together(
    study: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MY_KEY")
    fields = {"provider": "openai-compatible", "base_url": f"{GATEWAY}/v1", "api_key_env": "MY_KEY"}
    with pytest.raises(StudyError) as caught:
        key_of(study, **fields)
    permission, key = sorted((one.what for one in caught.value.problems), key=lambda what: "no API key" in what)
    assert f"would send the environment variable MY_KEY to {GATEWAY}" in permission
    assert "set the environment variable MY_KEY" in key
    # With the permission alone, the key is missing; with the key alone, the permission.
    (tmp_path / "user/allowed.yaml").write_text(f"keys:\n  MY_KEY: {GATEWAY}\n")
    with pytest.raises(StudyError) as caught:
        key_of(study)
    [only] = caught.value.problems
    assert "set the environment variable MY_KEY" in only.what
    (tmp_path / "user/allowed.yaml").unlink()
    monkeypatch.setenv("MY_KEY", SECRET)
    with pytest.raises(StudyError) as caught:
        key_of(study)
    [only] = caught.value.problems
    assert "would send" in only.what
