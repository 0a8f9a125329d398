"""models.json: what is read, and what is said of mistakes."""

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
  "six": {"kind": "hosted", "provider": "azure", "model_id": "gpt-4o"}
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


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    with pytest.raises(StudyError) as caught:
        parse_models(BAD, "models.json")
    told = [str(problem) for problem in caught.value.problems]
    assert [line.split(": ")[0].rsplit(":", 1)[1] for line in told] == ["4", "7", "8", "11", "12", "14", "15"]
    assert "`provider`: input should be 'openai'" in told[0]
    assert "did you mean 'hosted'?" in told[1]
    assert "has no `kind`" in told[2]
    assert "did you mean 'model_id'?" in told[3] or "did you mean 'model_id'?" in told[4]
    assert "lacks `path`" in told[5]
    assert "needs `base_url`" in told[6]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": {"kind": "embedded"}\n', "models.json:2: not JSON"),
        ("[]", "holds no JSON object"),
        ('{"a": {"kind": "embedded"}, "a": {"kind": "embedded"}}', "'a' stands there twice"),
    ],
)
def test_what_is_not_such_a_file(text: str, says: str) -> None:
    with pytest.raises(StudyError, match=says):
        parse_models(text, "models.json")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="cannot be read"):
        read_models(tmp_path / "models.json")


def test_a_written_key_is_in_no_message() -> None:
    text = (
        '{"a": {"kind": "hosted", "provider": "openai", "model_id": "m", "api_key": "sk-live-123", "x": "sk-live-123"}}'
    )
    with pytest.raises(StudyError) as caught:
        parse_models(text, "models.json")
    assert "sk-live" not in str(caught.value)
