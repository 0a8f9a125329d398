"""Which entry of a file of CSL-JSON a document belongs to: such a file names no files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from flows.storage.zotero.csl import cleaned, entry_id

_BEGINNING = 4000
"""Characters in which a document names itself."""
_MIN_TITLE_WORDS = 3
_WORDS = re.compile(r"\w+")


class EntryMatcher:
    """Finds the entry of a document: by the document's name, else by what stands on its first page.

    There the title has to stand in full, beside the DOI or the name of an author: a page that only cites a work has
    its DOI too. A document that fits two entries has none.
    """

    def __init__(self, items: Sequence[Mapping[str, Any]]) -> None:
        self._by_name = defaultdict[str, list[Mapping[str, Any]]](list)
        self._by_title = list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]()
        for item in items:
            self._by_name[entry_id(item).casefold()].append(item)
            csl = cleaned(item)
            title = _words(csl.get("title", ""))
            if title.count(" ") + 1 >= _MIN_TITLE_WORDS:
                self._by_title.append((f" {title} ", item, csl))

    def find(self, name: str, text: str) -> Mapping[str, Any] | None:
        """The entry of the document of that name, without its ending, whose text begins so."""
        named = self._by_name.get(name.rpartition("/")[2].casefold(), [])
        if len(named) == 1:
            return named[0]
        beginning = text[:_BEGINNING]
        words, letters = f" {_words(beginning)} ", "".join(beginning.split()).casefold()
        fitting = [item for title, item, csl in self._by_title if title in words and _names_it(csl, words, letters)]
        return fitting[0] if len(fitting) == 1 else None


def _names_it(csl: Mapping[str, Any], words: str, letters: str) -> bool:
    doi = csl.get("DOI", "").casefold()
    if doi and doi in letters:
        return True
    people = csl.get("author") or csl.get("editor") or ()
    return any(
        f" {name} " in words for one in people if (name := _words(one.get("family") or one.get("literal") or ""))
    )


def _words(text: str) -> str:
    """The words in lower case, one space between two; a hyphen at the end of a line joins its word."""
    return " ".join(_WORDS.findall(re.sub(r"-\s*\n\s*", "", text).casefold()))
