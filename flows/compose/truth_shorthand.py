"""`truth=` in a command: a field, several, a gold set, or for each criterion its field or fields.

truth=ana   truth=[ana,ben]   truth=gold/tox.jsonl   truth={ordinary: ana, power: [ben, cleo]}
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

from pydantic import TypeAdapter, ValidationError

from agents.safety.yaml_reader import UNREADABLE_YAML, compose_yaml, doubled_names, plain_value
from contract.measures import GOLD_SUFFIX, TruthSource
from flows.config.arguments import split_list
from flows.config.diagnostics import Diagnostics, display_argument

Truth: TypeAlias = "str | tuple[str, ...] | dict[str, str | tuple[str, ...] | TruthSource]"
_MAPPING = TypeAdapter[dict[str, str | tuple[str, ...] | TruthSource]](dict[str, str | tuple[str, ...] | TruthSource])


def truth_named(text: str, diagnostics: Diagnostics) -> Truth | None:
    """What `truth=text` means; None, and a mistake, for braces that hold no criteria with their fields."""
    if text.startswith("{"):
        return _mapping(text, diagnostics)
    if text.startswith("["):
        return tuple(split_list(text))
    return str(Path.cwd() / text) if text.endswith(GOLD_SUFFIX) else text


def _mapping(text: str, diagnostics: Diagnostics) -> Truth | None:
    try:
        root = compose_yaml(text)
        mapping = {} if any(doubled_names(root)) else _MAPPING.validate_python(plain_value(root))
    except (*UNREADABLE_YAML, ValidationError):
        mapping = {}
    if mapping:
        return mapping
    what = "between braces stand criteria, each once, with a colon, a blank and the field or fields of people's answers"
    todo = "write for example truth='{ordinary: ana, power: [ben, cleo]}'"
    diagnostics.add(f"command line: {display_argument(f'truth={text}')}", what, todo=todo)
    return None
