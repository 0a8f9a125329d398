"""Diagnostics: the mistakes and notices gathered while a study is composed and checked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from contract.errors import Problem, StudyError
from contract.key_texts import MASK, mask_keys
from contract.models import is_variable_name
from flows.config.provenance import KeyPath, Provenance

SECRET_KEY_PATTERN = re.compile(r"(?i)(^|_)(api_?key|secret|password|passwd|token|credentials?)$")
_INLINE_SECRET_PATTERN = re.compile(
    r"""(?ix)(
        (?:api[-_]?key|authorization|secret|password|passwd|token|credentials?)(?:_env|_secret)?["']?\s*:\s*
    ) (?: "[^"]*" | '[^']*' | [^,}\s]+ )"""
)
"""A secret within a value, as in `models.mine={api_key: sk-…}`."""
_INLINE_HEADERS_PATTERN = re.compile(r"(?i)(extra_headers[\"']?\s*:\s*)\{[^}]*\}")
"""The headers of a request within a value, each of which may be a secret."""
_SECRET_NAME_KEYS = frozenset({"api_key_env", "api_key_secret"})
"""Keys whose value names a secret. A person may paste the secret itself there."""
_PUBLIC_SECRET_SETTINGS = frozenset({"endpoint", "timeout_seconds"})
_FILE_AND_LINE = re.compile(r"^(.*):(\d+)$")


@dataclass
class Diagnostics:
    """Gathers problems and notices; each is kept once, however many checks find it."""

    provenance: Provenance = field(default_factory=Provenance)
    problems: dict[tuple[str, str], Problem] = field(default_factory=dict[tuple[str, str], Problem])
    notices: dict[str, None] = field(default_factory=dict[str, None])
    result_notices: dict[str, None] = field(default_factory=dict[str, None])
    """Those of them that say something of the results."""
    compares: bool = True
    """Whether models are to be compared with people; whoever is about to ask people compares nothing yet."""
    reported: set[KeyPath] = field(default_factory=set[KeyPath])
    """Paths whose value is missing because of a mistake already reported: no further problem is added at them."""

    def add(self, where: str, what: str, *, nearest: str | None = None, todo: str | None = None) -> None:
        """Adds a problem at a place given as text, such as `file:line`."""
        self.add_problem(Problem(where, what, nearest, todo))

    def add_problem(self, problem: Problem) -> None:
        """Adds a problem, unless it is there already. A list of names that holds only the nearest one is left out."""
        if problem.nearest and problem.todo:
            problem = replace(problem, todo=without_only(problem.todo, problem.nearest))
        self.problems.setdefault((problem.where, problem.what), problem)

    def add_at(self, path: KeyPath, what: str, *, nearest: str | None = None, todo: str | None = None) -> None:
        """Adds a problem at the place where `path` was set, unless `path` is marked as reported."""
        if not self.is_reported(path):
            self.add(self.provenance.where(path), what, nearest=nearest, todo=todo)

    def add_notice(self, text: str) -> None:
        """Adds a message on the study's files that the user should see but that stops nothing."""
        self.notices.setdefault(mask_keys(text))

    def add_result_notice(self, text: str) -> None:
        """Adds a message that readers of the results need, too: their report has it."""
        self.add_notice(text)
        self.result_notices.setdefault(mask_keys(text))

    def add_people_notice(self, text: str) -> None:
        """Adds a message on how models are compared with people."""
        if self.compares:
            self.add_result_notice(text)

    def mark_reported(self, path: KeyPath) -> None:
        """Marks `path` and everything below it as already reported."""
        self.reported.add(path)

    def is_reported(self, path: KeyPath) -> bool:
        """Whether `path` or a path above it is already reported."""
        return any(path[:length] in self.reported for length in range(len(path) + 1))

    def raise_if_any(self) -> None:
        """Raises StudyError with every problem, in file order, the command line first."""
        if self.problems:
            raise StudyError(sorted(self.problems.values(), key=_file_order))


def may_hold_secret(key: str, value: object = None) -> bool:
    """Whether the value of `key` may be a secret, so that it is shown nowhere."""
    if key in _SECRET_NAME_KEYS:
        return not is_variable_name(value) and not str(value).startswith("projects/")
    return bool(SECRET_KEY_PATTERN.search(key))


def _file_order(problem: Problem) -> tuple[int, str, int]:
    found = _FILE_AND_LINE.match(problem.where)
    if problem.where.startswith("command line") or not found:
        return (0, problem.where, 0)
    return (1, found[1], int(found[2]))


def closest_name(name: str, known: Iterable[str]) -> str | None:
    """The most similar of the `known` names, ignoring case; None if none is similar enough."""
    by_folded = {other.casefold(): other for other in known}
    found = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.55)
    return by_folded[found[0]] if found else None


def join_names(names: Iterable[str], limit: int = 12) -> str:
    """The names, sorted, as part of a sentence: `a, b, c`, or `none`; after `limit` of them `and 3 more`."""
    every = sorted(set(names))
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return (", ".join(every[:limit]) + more) or "none"


def there_are(names: Iterable[str], limit: int = 12) -> str:
    """The names to choose from, as a clause: `there are a, b`, `there is only a`, or `there is none`."""
    every = sorted(set(names))
    if len(every) > 1:
        return f"there are {join_names(every, limit)}"
    return f"there is only {every[0]}" if every else "there is none"


def without_only(todo: str, name: str) -> str | None:
    """What to do, without the clause which says that this name, told as the nearest one, is the only one."""
    only = there_are([name])
    return "; ".join(clause for clause in todo.split("; ") if clause != only) or None


def listed_beside(near: str | None, names: Iterable[str]) -> str | None:
    """The names to choose from, as a clause; None where the nearest one, told beside it, is the only one."""
    listed = there_are(names)
    return listed if near is None else without_only(listed, near)


def display_argument(text: str, limit: int = 80) -> str:
    """A command-line argument for display: at most `limit` characters and an ellipsis, secrets masked."""
    text = masked_argument(text.removeprefix("++"))
    return text if len(text) <= limit else f"{text[:limit]}…"


def masked_argument(text: str) -> str:
    """A command-line argument whole, secrets masked."""
    key, equals, value = text.partition("=")
    path = tuple(key.lstrip("+~").split("."))
    if equals and (may_hold_secret(path[-1], value) or is_secret_setting(path, value)):
        return f"{key}={MASK}"
    text = _INLINE_HEADERS_PATTERN.sub(rf"\1{MASK}", _INLINE_SECRET_PATTERN.sub(rf"\1{MASK}", text))
    return mask_keys(text, typed=True)


def is_secret_setting(path: KeyPath, value: object) -> bool:
    """Whether a value below `secrets`, or a header of a request, may be a secret instead of the name of one."""
    if "extra_headers" in path or path == ("secrets",):
        return True
    below = path[0] == "secrets" and len(path) > 1 and path[1] not in _PUBLIC_SECRET_SETTINGS
    return below and isinstance(value, str) and not value.startswith("projects/")
