"""models.json: a study's own models, by name.

    {"gemini-flash": {"kind": "hosted", "provider": "google", "model_id": "gemini-2.5-flash"},
     "my-server":    {"kind": "hosted", "provider": "openai-compatible", "model_id": "qwen3",
                      "base_url": "http://127.0.0.1:11434/v1"}}

Do not write an API key into the file: `api_key_env` names the environment variable that holds it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from agents.safety.paths import expanded
from agents.safety.yaml_limits import YamlLimitExceeded
from agents.safety.yaml_reader import compose_yaml
from contract.errors import Problem, StudyError
from contract.models import EmbeddedModel, HostedModel, LocalModel, ModelConfig, ScriptedModel

_CONFIG: TypeAdapter[ModelConfig] = TypeAdapter(ModelConfig)
_KINDS = {"hosted": HostedModel, "local": LocalModel, "embedded": EmbeddedModel, "scripted": ScriptedModel}


class _DuplicateName(ValueError):
    """A name that occurs twice in one JSON object. JSON readers would silently use the second."""


def read_models(path: Path) -> dict[str, ModelConfig]:
    """The models in a models.json. Relative paths in it are relative to its folder.

    Raises StudyError with every Problem found, each with its line number.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError([Problem(str(path), "cannot be read as text", todo="check the path")]) from error
    return parse_models(text, str(path), path.parent)


def parse_models(text: str, where: str, folder: Path | None = None) -> dict[str, ModelConfig]:
    """The models in the text of a models.json. `where` names its source, for example a secret.

    Raises StudyError with every Problem found, each as `where:line`.
    """
    entries = _entries(text, where)
    lines = _LineNumbers(text)
    models: dict[str, ModelConfig] = {}
    problems: list[tuple[int, Problem]] = []
    for name, entry in entries.items():
        try:
            models[name] = _resolve_path(_CONFIG.validate_python(entry), folder)
        except ValidationError as error:
            for found in error.errors(include_input=False):
                line = lines.line_of([name, *found["loc"]])
                problems.append((line, _problem(name, found, f"{where}:{line}")))
    if problems:
        raise StudyError([problem for _, problem in sorted(problems, key=lambda numbered: numbered[0])])
    return models


def _entries(text: str, where: str) -> dict[str, Any]:
    try:
        loaded: Any = json.loads(text, object_pairs_hook=_reject_duplicate_names)
    except json.JSONDecodeError as error:
        problem = Problem(f"{where}:{error.lineno}", f"not JSON: {error.msg} (column {error.colno})")
        raise StudyError([problem]) from None
    except RecursionError:
        raise StudyError([Problem(where, "values are nested too deep")]) from None
    except _DuplicateName as error:
        raise StudyError([Problem(where, f"the name '{error}' occurs twice", todo="rename one of them")]) from None
    if not isinstance(loaded, dict):
        raise StudyError([Problem(where, "is not a JSON object", todo='write {"<name>": {…}, …}')])
    return loaded  # type: ignore[reportUnknownVariableType]


def _reject_duplicate_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _DuplicateName(name)
        found[name] = value
    return found


def _resolve_path(config: ModelConfig, folder: Path | None) -> ModelConfig:
    if folder is None or not isinstance(config, LocalModel | ScriptedModel) or config.path is None:
        return config
    return config.model_copy(update={"path": folder / expanded(config.path)})


class _LineNumbers:
    """The line of each value of a JSON text. JSON is YAML, and the YAML reader records line numbers."""

    def __init__(self, text: str) -> None:
        # JSON allows tabs between values, YAML does not. A JSON string contains no raw tab.
        try:
            self._root: Any = compose_yaml(text.replace("\t", " "))
        except (yaml.YAMLError, YamlLimitExceeded):
            self._root = None  # a few texts of JSON are no YAML; their mistakes are at line 1

    def line_of(self, steps: Sequence[str | int]) -> int:
        """The line of the innermost of `steps` that exists."""
        node, line = self._root, 1
        for step in steps:
            if not isinstance(node, yaml.MappingNode):
                break
            pairs = [(key, value) for key, value in node.value if key.value == step]
            if pairs:
                key, node = pairs[0]
                line = key.start_mark.line + 1
        return line


def _problem(name: str, found: ErrorDetails, where: str) -> Problem:
    # Pydantic puts the kind first in the location of an error.
    steps = [str(step) for step in found["loc"] if step not in _KINDS]
    field = ".".join(steps)
    context: dict[str, Any] = found.get("ctx", {})
    match found["type"]:
        case "union_tag_not_found":
            return Problem(where, f"model '{name}' has no `kind`", todo=f"add `kind`: {', '.join(_KINDS)}")
        case "union_tag_invalid":
            near = _nearest(str(context.get("tag")), _KINDS)
            return Problem(where, f"model '{name}' has an unknown `kind`", near, f"kinds are {', '.join(_KINDS)}")
        case "extra_forbidden":
            known = _KINDS[str(found["loc"][0])].model_fields
            return Problem(where, f"model '{name}' has an unknown field '{field}'", _nearest(steps[-1], known))
        case "model_attributes_type":
            return Problem(where, f"model '{name}' has a value where its fields belong", todo='write {"kind": …}')
        case "missing":
            return Problem(where, f"model '{name}' lacks `{field}`", todo=f"add `{field}`")
        case _:
            about = f" `{field}`:" if field else ""
            message = found["msg"].removeprefix("Value error, ")
            return Problem(where, f"model '{name}'{about} {message[:1].lower()}{message[1:]}")


def _nearest(word: str, known: Sequence[str] | dict[str, Any]) -> str | None:
    return next(iter(get_close_matches(word, list(known), n=1)), None)
