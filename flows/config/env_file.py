"""Reads model keys from a file `.env` in the current folder into the environment of a command.

Only the usual variables of providers are read: a folder can come from anyone, and no other variable (a search path, the
address of an endpoint) may be set by a file in it. What the environment already holds is never replaced.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path

from agents.llms.hosted.keys import USUAL_KEY_VARIABLES

ENV_FILE = ".env"


@dataclass(frozen=True)
class EnvFile:
    """What a file `.env` gave to a command."""

    taken: frozenset[str] = frozenset()
    """The variables that were set from it."""
    refused: str = ""
    """Why it was not read; empty where it was, or where there is none."""


def read_keys(folder: Path, environment: MutableMapping[str, str]) -> EnvFile:
    """Sets each usual key variable that stands in the folder's `.env` and not in the environment."""
    path = folder / ENV_FILE
    if not path.is_file():
        return EnvFile()
    from dotenv import dotenv_values

    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return EnvFile(refused=f"{ENV_FILE} is not read: it is no readable text in UTF-8")
    wanted = {name: value for name in USUAL_KEY_VARIABLES if (value := values.get(name)) and not environment.get(name)}
    if not wanted:
        return EnvFile()
    if not _is_ignored(path):
        return EnvFile(
            refused=f"{ENV_FILE} is not read: git would publish the keys in it; add a line `{ENV_FILE}` to .gitignore, "
            f"and if it was committed before: git rm --cached {ENV_FILE}"
        )
    environment.update(wanted)
    return EnvFile(frozenset(wanted))


def _is_ignored(path: Path) -> bool:
    """Whether git leaves the file out; also where there is no git, or no repository.

    The folder can come from anyone: without the first setting, git could run a program that the folder's own names.
    """
    try:
        done = subprocess.run(  # noqa: S603 - the name is ours
            ["git", "-c", "core.fsmonitor=false", "check-ignore", "--quiet", path.name],  # noqa: S607 - the user's own git
            cwd=path.parent, capture_output=True, timeout=5, check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return True
    return done.returncode != 1
