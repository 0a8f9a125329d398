"""models.json: what is read, and how mistakes are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.llms.models_file import parse_models, read_models
from contract.errors import StudyError
from contract.models import HostedModel, ScriptedModel

GOOD = """{
\t"flash": {"kind": "hosted", "provider": "google", "model_id": "gemini-2.5-flash",
            "price": {"input_per_mtok": "0.30", "output_per_mtok": 2.5}, "settings": {"temperature": 0}},
  "actor": {"kind": "scripted", "path": "script.jsonl"}
}"""

BAD = """{
  "one": {
    "kind": "hosted",
    "provider": "opneai",
    "model_id": "gpt-4o"
  },
  "two": {"kind": "hostd"},
  "three": {"provider": "openai"},
  "four": {
    "kind": "hosted", "provider": "openai", "model_id": "gpt-4o",
    "modle_id": "gpt-4o",
    "limits": {"concurrency": 0}
  },
  "five": {"kind": "local"},
  "six": {"kind": "hosted", "provider": "azure", "model_id": "gpt-4o"},
  "seven": {"kind": "hosted", "provider": "bedrock", "model_id": "m", "location": "evil.example/"}
}"""


def test_models_are_read_and_paths_start_at_the_file(tmp_path: Path) -> None:
    path = tmp_path / "models.json"
    path.write_text(GOOD)
    models = read_models(path)
    flash, actor = models["flash"], models["actor"]
    assert isinstance(flash, HostedModel)
    assert flash.model_id == "gemini-2.5-flash"
    assert flash.settings.temperature == 0
    assert isinstance(actor, ScriptedModel)
    assert actor.path == tmp_path / "script.jsonl"


def test_all_mistakes_are_reported_at_once_with_their_lines() -> None:
    with pytest.raises(StudyError) as caught:
        parse_models(BAD, "models.json")
    messages = [str(problem) for problem in caught.value.problems]
    assert [line.split(": ")[0].rsplit(":", 1)[1] for line in messages] == ["4", "7", "8", "11", "12", "14", "15", "16"]
    assert "`provider`: input should be 'openai'" in messages[0]
    assert "did you mean 'hosted'?" in messages[1]
    assert "has no `kind`" in messages[2]
    assert "did you mean 'model_id'?" in messages[3] or "did you mean 'model_id'?" in messages[4]
    assert "lacks `path`" in messages[5]
    assert "needs `base_url`" in messages[6]
    assert "needs `location`, the region of your models, such as us-east-1" in messages[7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": {"kind": "embedded"}\n', "models.json:2: not JSON"),
        ("[]", "is not a JSON object"),
        ('{"a": 3}', "model 'a' has a value where its fields belong"),
        ('{"a": {"kind": "embedded"}, "a": {"kind": "embedded"}}', "the name 'a' occurs twice"),
    ],
)
def test_a_text_that_is_no_models_file_is_refused(text: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        parse_models(text, "models.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be read"):
        read_models(tmp_path / "models.json")


def test_an_api_key_in_the_file_is_in_no_message() -> None:
    text = (
        '{"a": {"kind": "hosted", "provider": "openai", "model_id": "m", "api_key": "sk-live-123", "x": "sk-live-123"}}'
    )
    with pytest.raises(StudyError) as caught:
        parse_models(text, "models.json")
    assert "sk-live" not in str(caught.value)
