"""Role headers of templates: at them a text is split into the messages of the roles that its author wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import cast

from contract.calls import Role

_HEADER = re.compile(r"^(system|user|assistant):[ \t]*$", re.MULTILINE)
_WORD_AND_COLON = re.compile(r"^[ \t]*(?P<word>[A-Za-z]{3,12})[ \t]*:[ \t]*$", re.MULTILINE)
_NEAR_ROLE = 0.85
"""How like a role's name a word is that is taken for a misspelt one: `usr`, `asistant`, `sytem`."""
_OTHER_WORDS = frozenset({"use", "users", "systems", "assistants"})
_ALMOST_HEADER = re.compile(r"^[ \t]*(system|user|assistant)[ \t]*:[ \t]*$", re.MULTILINE | re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


def nearest_role(word: str) -> str | None:
    """The role whose name is nearly that word, or is that word in another case; None if there is none."""
    return next(iter(get_close_matches(word.lower(), ("system", "user", "assistant"), n=1, cutoff=_NEAR_ROLE)), None)


def has_front_matter(source: str) -> bool:
    """Whether the template begins with lines of its own, which nobody is sent."""
    return _FRONT_MATTER.match(source) is not None


def mistaken_headers(source: str) -> Iterator[tuple[int, str]]:
    """Lines, by number, that look like role headers but are taken as text: `System:`, ` user:`, `usr:`."""
    body = _blank_front_matter(source)
    found = [header for header in _ALMOST_HEADER.finditer(body) if not _HEADER.fullmatch(header[0])]
    found += [line for line in _WORD_AND_COLON.finditer(body) if _is_misspelt_role(line["word"].lower())]
    for header in found:
        yield body.count("\n", 0, header.start(1)) + 1, header[0].strip()


def _is_misspelt_role(word: str) -> bool:
    return word not in _OTHER_WORDS and nearest_role(word) not in (None, word)


def split_roles(source: str) -> Iterable[tuple[Role, str]]:
    """Yields each role and its text, below as many empty lines as the file has above it: lines of errors agree."""
    body = _blank_front_matter(source)
    role, start = "user", 0
    for header in [*_HEADER.finditer(body), None]:
        text = body[start : header.start() if header else len(body)]
        if text.strip():
            yield cast("Role", role), "\n" * body.count("\n", 0, start) + text
        if header:
            role, start = header[1], header.end()


def _blank_front_matter(source: str) -> str:
    """Returns the template with its front matter emptied; every line keeps its number."""
    return _FRONT_MATTER.sub(lambda found: "\n" * found[0].count("\n"), source)
