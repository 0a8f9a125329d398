"""Keeps the files of the folder that a command is given in from saying where Prefect finds its settings and its code.

Prefect reads `prefect.toml`, `.env` and `pyproject.toml` there. The folder can be a study from anyone, and what a file
of logging names is called when it is read. So what the environment or the user's own profile says counts, else the
usual place. Has to be called before Prefect is imported, because Prefect then reads its settings.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextlib import suppress
from pathlib import Path

_OWN_PROJECT = Path(__file__).parents[2]
_LOGGING = ("PREFECT_LOGGING_CONFIG_PATH", "PREFECT_LOGGING_SETTINGS_PATH")
"""The setting, and its earlier name."""


def keep_own_settings(
    folder: Path, environment: MutableMapping[str, str], in_profile: Callable[[str], str | None]
) -> None:
    """Sets in the environment, which ranks above files, where Prefect's home, profiles and logging are.

    Does nothing where the folder has none of these files, or is our own. `in_profile` gives the value of a variable in
    the user's active profile.
    """
    if folder == _OWN_PROJECT or not _has_settings(folder):
        return
    home = environment.setdefault("PREFECT_HOME", str(Path("~/.prefect").expanduser()))
    environment.setdefault("PREFECT_PROFILES_PATH", str(Path(home).expanduser() / "profiles.toml"))
    own = next((value for name in _LOGGING if (value := environment.get(name) or in_profile(name))), None)
    # Under both names: a file that uses the other one would count beside the environment.
    environment.update(dict.fromkeys(_LOGGING, own or str(Path(home).expanduser() / "logging.yml")))


def _has_settings(folder: Path) -> bool:
    if (folder / "prefect.toml").exists():
        return True
    for name in (".env", "pyproject.toml"):
        with suppress(OSError):
            if b"prefect" in (folder / name).read_bytes().lower():
                return True
    return False
