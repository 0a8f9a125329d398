"""Checks whether a model can be used, without a request to it and without a slow import."""

from __future__ import annotations

from collections.abc import Sequence

from agents.llms.hosted.keys import missing_key
from agents.llms.local import missing_extra
from agents.safety.paths import is_file
from contract.base import Frozen
from contract.codebook import Codebook
from contract.models import ModelConfig


def readiness_problem(config: ModelConfig) -> str | None:
    """What the user must do before this model can be used, without a final full stop; None if it is ready."""
    if config.kind == "hosted":
        return missing_key(config)
    if config.kind == "local":
        return missing_extra() or (None if is_file(config.path) else f"there is no file {config.path}")
    if config.kind == "scripted" and not (config.path and is_file(config.path)):
        return f"there is no script {config.path}" if config.path else "a scripted model needs `path`, a JSONL file"
    return None


def judging_problem(
    config: ModelConfig, example_verdicts: Sequence[str], codebook: Codebook | None = None
) -> str | None:
    """Why the model cannot judge by a criterion whose examples have the verdicts `example_verdicts`; None if it can."""
    if config.kind != "embedded":
        return None
    if codebook is not None:
        from agents.llms.embedded.coding import missing_codes

        return missing_codes(codebook)
    from agents.llms.embedded.judging import missing_examples

    return missing_examples(example_verdicts)


def reply_type_problem(config: ModelConfig, reply: type[Frozen]) -> str | None:
    """Why the model cannot write a reply of the type `reply`; None if it can."""
    if config.kind != "embedded":
        return None
    from agents.llms.embedded.model import HANDLERS

    if reply.__name__ in HANDLERS:
        return None
    return f"it is embedded, only quotes and compares, and cannot write what this agent asks for ({reply.__name__})"
