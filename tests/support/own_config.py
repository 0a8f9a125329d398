"""The user's own configuration, for one test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from flows.config.own_config import ALLOWED_FILE, USER_CONFIG_VARIABLE


def write_own_config(
    folder: Path, *, allowed: Mapping[str, Any] | None = None, models: Mapping[str, Any] | None = None
) -> dict[str, str]:
    """Writes the user's `allowed.yaml` and models; returns the environment variable that names their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    if allowed is not None:
        (folder / ALLOWED_FILE).write_text(json.dumps(allowed))
    if models is not None:
        (folder / "models.json").write_text(json.dumps(models))
    return {USER_CONFIG_VARIABLE: str(folder)}


def use_own_config(patch: pytest.MonkeyPatch, folder: Path, **content: Any) -> None:
    """Writes the user's own configuration, and uses it in this process."""
    for name, value in write_own_config(folder, **content).items():
        patch.setenv(name, value)
