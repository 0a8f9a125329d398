"""Whether a model can be used, found out without asking it anything or importing anything heavy."""

from __future__ import annotations

from collections.abc import Sequence

from agents.llms.hosted.keys import missing_key
from agents.llms.local import missing_extra
from contract.base import Frozen
from contract.models import ModelConfig


def readiness_problem(config: ModelConfig) -> str | None:
    """What to do before this model can be used, in plain words without a final full stop; None if it is ready."""
    if config.kind == "hosted":
        return missing_key(config)
    if config.kind == "local":
        return missing_extra() or (None if config.path.is_file() else f"there is no file {config.path}")
    if config.kind == "scripted" and not (config.path and config.path.is_file()):
        return f"there is no script {config.path}" if config.path else "a scripted model needs `path`, a JSONL file"
    return None


def judging_problem(config: ModelConfig, exemplified: Sequence[str]) -> str | None:
    """Why the model cannot judge by a criterion whose examples have these verdicts; None if it can."""
    if config.kind != "embedded":
        return None
    from agents.llms.embedded.judging import missing_examples

    return missing_examples(exemplified)


def reply_type_problem(config: ModelConfig, reply: type[Frozen]) -> str | None:
    """Why the model cannot give a reply of that kind; None if it can."""
    if config.kind != "embedded":
        return None
    from agents.llms.embedded.model import HANDLERS

    if reply.__name__ in HANDLERS:
        return None
    return f"it is embedded, quotes and compares only, and cannot write what this agent asks for ({reply.__name__})"
