"""What the files of the folder that a command is given in say to Prefect, and what of it counts.

Prefect reads `prefect.toml`, `.env` and `pyproject.toml` there. The folder can be a study from anyone: what a file of
logging names is called when it is read, and runs go into the database that is named. So Prefect's home, profiles and
logging come from the environment or the user's own profile, else from the usual place; the rest is for the user to
allow (`flows.compose.prefect_permission`). Has to be called before Prefect is imported, because Prefect then reads its
settings.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any, cast

from flows.server.prefect_process import SERVER_SETTINGS

_OWN_PROJECT = Path(__file__).parents[2]
_LOGGING = ("PREFECT_LOGGING_CONFIG_PATH", "PREFECT_LOGGING_SETTINGS_PATH")
"""The setting, and its earlier name."""
_OURS = frozenset({"PREFECT_HOME", "PREFECT_PROFILES_PATH", *_LOGGING, *SERVER_SETTINGS})
"""What a command sets itself, so that it never comes from a file of the folder."""
_HARMLESS = re.compile(
    r"PREFECT_(?:(?:LOGGING|INTERNAL_LOGGING|CLI)_\w+|DEBUG_MODE|PLUGINS_(?:ENABLED|ALLOW)|FLOWS_HEARTBEAT_FREQUENCY"
    r"|SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS)"
)
"""How much Prefect writes to its log, and in which colours; and what our own project's file says, of which people have
copies: which installed plugins Prefect loads, how often a run says that it lives, how long a server may take to start.
"""
_TABLE = re.compile(r"\s*\[\[?(?P<names>[^\]]+)\]")
_KEY = re.compile(r"\s*(?P<names>[\w.\"' \t-]+?)\s*=")


@dataclass(frozen=True)
class FolderSetting:
    """A setting of Prefect in a file of a folder. Its value may be a password, and is shown nowhere."""

    file: Path
    line: int
    name: str
    """Its environment variable; empty where the file cannot be read, so that Prefect would not start."""

    @property
    def has_effect(self) -> bool:
        """Whether it would change where runs go, or what is done with them."""
        return self.name not in _OURS and not _HARMLESS.fullmatch(self.name)

    @property
    def is_passed_over(self) -> bool:
        """Whether its author expects an effect that it never has here."""
        return self.name in _OURS and self.name not in SERVER_SETTINGS


def keep_own_settings(
    folder: Path, environment: MutableMapping[str, str], in_profile: Callable[[str], str | None]
) -> None:
    """Sets in the environment, which ranks above files, where Prefect's home, profiles and logging are.

    Does nothing where the folder has none of these files, or is our own. `in_profile` gives the value of a variable in
    the user's active profile.
    """
    if not folder_settings(folder):
        return
    home = environment.setdefault("PREFECT_HOME", str(Path("~/.prefect").expanduser()))
    environment.setdefault("PREFECT_PROFILES_PATH", str(Path(home).expanduser() / "profiles.toml"))
    own = next((value for name in _LOGGING if (value := environment.get(name) or in_profile(name))), None)
    # Under both names: a file that uses the other one would count beside the environment.
    environment.update(dict.fromkeys(_LOGGING, own or str(Path(home).expanduser() / "logging.yml")))


def folder_settings(folder: Path) -> Sequence[FolderSetting]:
    """The settings of Prefect in the folder's files, with their places; none for our own project."""
    if folder == _OWN_PROJECT:
        return ()
    return [
        *_in_toml(folder / "prefect.toml", ()),
        *_in_env_file(folder / ".env"),
        *_in_toml(folder / "pyproject.toml", ("tool", "prefect")),
    ]


def _content(file: Path) -> bytes:
    """What the file holds; empty where it is none, or where Prefect is not mentioned in it."""
    if not file.is_file():
        return b""
    with suppress(OSError):
        content = file.read_bytes()
        return content if file.name == "prefect.toml" or b"prefect" in content.lower() else b""
    return b""


def _in_env_file(file: Path) -> Iterator[FolderSetting]:
    content = _content(file)
    if not content:
        return
    from dotenv.parser import parse_stream

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        yield FolderSetting(file, 1, "")
        return
    for one in parse_stream(StringIO(text)):
        if one.key and (name := one.key.upper()).startswith("PREFECT_"):
            blank = len(one.original.string) - len(one.original.string.lstrip("\r\n"))
            yield FolderSetting(file, one.original.line + one.original.string[:blank].count("\n"), name)


def _in_toml(file: Path, table: tuple[str, ...]) -> Iterator[FolderSetting]:
    content = _content(file)
    if not content:
        return
    try:
        text = content.decode("utf-8")
        found: Any = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        line = re.search(r"at line (\d+)", str(error))
        yield FolderSetting(file, int(line[1]) if line else 1, "")
        return
    for name in table:
        found = cast("dict[str, Any]", found).get(name, {}) if isinstance(found, dict) else {}
    for path in _paths(found, ()):
        yield FolderSetting(file, _line_of((*table, *path), text), "_".join(("PREFECT", *path)).upper())


def _paths(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(value, Mapping):
        for name, item in cast("Mapping[str, Any]", value).items():
            yield from _paths(item, (*path, name))
    elif path:
        yield path


def _line_of(path: tuple[str, ...], text: str) -> int:
    """The line on which a value, or the inline table around it, begins. The parser tells no lines."""
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if head := _TABLE.match(line):
            table = _names(head["names"])
        elif key := _KEY.match(line):
            own = (*table, *_names(key["names"]))
            if path[: len(own)] == own:
                return number
    return 1


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip(" \t\"'") for name in text.split("."))
