"""References in the style of the American Psychological Association, from CSL data, by citeproc-py.

apa_references({"doe1931": {"type": "book", "title": "Ferries", …}})   # {"doe1931": "Doe, J. (1931). Ferries."}
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from importlib.resources import as_file, files
from typing import Any

from contract.base import thawed

MISSING_LIBRARY = "citeproc-py is not installed, which makes references: install citeproc-py"
_TERM = re.compile(r"(?:(?<=\()|(?<=, ))(eds?|trans)\.\)")
_EDITORS_AGAIN = re.compile(r" \([^()]*, [Ee]ds?\.\)")


class NoCiteproc(ImportError):
    """The library that makes references is not installed."""


def apa_references(items: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The reference of each entry, by its name, in the order of a reading list; plain text.

    An entry that the library cannot make a reference of is left out. Raises NoCiteproc.
    """
    try:
        return _references(items)
    except ImportError as error:
        raise NoCiteproc(MISSING_LIBRARY) from error
    except Exception:  # one entry alone is at fault, and the others are to have their references
        found = dict[str, str]()
        for name, csl in items.items():
            try:
                found |= _references({name: csl})
            except Exception:  # noqa: S112 the caller says which entries have none
                continue
        return dict(sorted(found.items(), key=lambda pair: pair[1].casefold()))


def _references(items: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    import citeproc  # type: ignore[reportMissingTypeStubs]
    from citeproc.source.json import CiteProcJSON  # type: ignore[reportMissingTypeStubs]

    library: Any = citeproc
    names = {f"i{number}": name for number, name in enumerate(items)}
    entries = [{**thawed(items[name]), "id": key} for key, name in names.items()]
    # Neither a field nor a type that the library does not know is the reader's concern.
    with as_file(files("agents.evidence").joinpath("styles/apa.csl")) as path, warnings.catch_warnings(action="ignore"):
        style = library.CitationStylesStyle(str(path), validate=False)
        made = library.CitationStylesBibliography(style, CiteProcJSON(entries), library.formatter.plain)
        for key in names:
            made.register(library.Citation([library.CitationItem(key)]))
        made.sort()
        texts = [str(text) for text in made.bibliography()]
    return {names[key]: _mended(text, items[names[key]]) for key, text in zip(made.keys, texts, strict=True)}


def _mended(text: str, csl: Mapping[str, Any]) -> str:
    """The reference without what citeproc-py does otherwise than other processors of the same style.

    It writes terms without their capital; names again what stands in the place of an author, a title or the editors;
    ends a question with a full stop too; and names the number of a thesis that has none.
    """
    if "author" not in csl and "editor" in csl:
        head, year, rest = text.partition(")")
        text = head + year + _EDITORS_AGAIN.sub("", rest, count=1)
    elif "author" not in csl and (title := str(csl.get("title", ""))) and text.startswith(f"{title}."):
        text = text[: len(title)] + text[len(title) :].replace(f" {title}.", "", 1)
    if "number" not in csl:
        text = text.replace(" (Publication)", "", 1)
    text = _TERM.sub(lambda found: f"{found[1].capitalize()}.)", text)
    text = text.replace("?.", "?").replace("!.", "!")
    return " ".join(re.sub(r"(?<=\w)'(?=\w)", "’", text).split())
