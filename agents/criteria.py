"""Criteria: the written rules that records are judged against, each a document with its source.

    criteria = Criteria(folders)
    criteria.get("ordinary").text

A criterion is named by its file in `criteria/` of a config folder, without the ending, or given as literal text. Its
front matter says who wrote it and where it was found: a judgement without that cannot be cited.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from pydantic import Field

from contract.base import Frozen, FrozenMap, digest
from contract.errors import PromptError

ENDINGS = (".md", ".txt", ".j2", ".jinja2")
_NAME = re.compile(r"[\w-]+(/[\w-]+)*(\.\w+)?")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)


class Criterion(Frozen):
    """One criterion as it was read."""

    name: str
    """The file's name without its ending; `literal` for one given as text."""
    title: str
    text: str
    """What the judge is shown, without the front matter."""
    about: FrozenMap = Field(default_factory=dict, validate_default=True)
    """The front matter: title, author, source, retrieved and whatever else it holds."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text: two criteria that say the same have the same."""
        return digest(self.text)


class Criteria:
    """The criteria of a study: `<folder>/criteria/*` of each config folder, the study's own before ours."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder / "criteria" for folder in folders]

    def names(self) -> list[str]:
        """Every criterion's name, without its ending."""
        return sorted(
            {
                path.relative_to(folder).with_suffix("").as_posix()
                for folder in self._folders
                if folder.is_dir()
                for path in folder.rglob("*")
                if path.suffix in ENDINGS
            }
        )

    def get(self, name_or_text: str) -> Criterion:
        """The criterion of that name, or the text itself as one.

        Raises PromptError when there is no such file, it cannot be read, it is empty, or its front matter is no YAML.
        """
        if not _NAME.fullmatch(name_or_text):
            return Criterion(name="literal", title=_first_words(name_or_text), text=name_or_text.strip())
        path = self.path(name_or_text)
        if path is None:
            near = get_close_matches(name_or_text, self.names(), n=1)
            raise PromptError(f"no criterion '{name_or_text}'" + (f"; did you mean '{near[0]}'?" if near else ""))
        return _read(path, name_or_text)

    def path(self, name: str) -> Path | None:
        """The file of that name; None for what is text, or is not there."""
        if not _NAME.fullmatch(name):
            return None
        candidates = (folder / f"{name}{ending}" for folder in self._folders for ending in ("", *ENDINGS))
        return next((path for path in candidates if path.is_file() and path.suffix in ENDINGS), None)


def ignored_files(folders: Sequence[Path], kind: str) -> list[Path]:
    """Files in `criteria/` or `prompts/` that are never read, for their ending."""
    found = (path for folder in folders if (folder / kind).is_dir() for path in sorted((folder / kind).rglob("*")))
    return [path for path in found if path.is_file() and path.suffix not in ENDINGS and not path.name.startswith(".")]


def _read(path: Path, name: str) -> Criterion:
    try:
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PromptError(f"{path}:1: the file is not in UTF-8") from None
    except OSError as error:
        raise PromptError(f"{path}:1: cannot be read: {error.strerror}") from None
    found = _FRONT_MATTER.match(source)
    text = (source[found.end() :] if found else source).strip()
    if not text:
        raise PromptError(f"{path}:1: the file is empty")
    about = _front_matter(found[1], path) if found else {}
    return Criterion(name=Path(name).stem, title=str(about.get("title") or _first_words(text)), text=text, about=about)


def _front_matter(text: str, path: Path) -> dict[str, Any]:
    import yaml

    try:
        loaded: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        raise PromptError(f"{path}:{line}: the front matter is not YAML") from None
    if not isinstance(loaded, dict):
        raise PromptError(f"{path}:1: the front matter does not consist of `name: value` lines")
    about = cast("dict[Any, Any]", loaded)
    plain = (str, int, float, bool)
    return {str(key): value if isinstance(value, plain) else str(value) for key, value in about.items()}


def _first_words(text: str, length: int = 60) -> str:
    first = text.strip().partition("\n")[0].lstrip("# ")
    return first if len(first) <= length else f"{first[: length - 1]}…"
