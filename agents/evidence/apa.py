"""References in the style of the American Psychological Association, from CSL data, by citeproc-py.

apa_references({"doe1931": {"type": "book", "title": "Ferries", …}})   # {"doe1931": "Doe, J. (1931). Ferries."}
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from importlib.resources import as_file, files
from typing import Any, cast

import regex

from contract.base import thawed

MISSING_LIBRARY = "citeproc-py is not installed, which makes references: install citeproc-py"
_NAME_WITHOUT_INITIALS = regex.compile(r"[\p{Han}\p{Hangul}\p{Hiragana}\p{Katakana}ー・]+")
_SEASONS = {"1": "Spring", "2": "Summer", "3": "Autumn", "4": "Winter"}
_TERM = re.compile(r"(?:(?<=\()|(?<=, ))(eds?|trans)\.\)")
_EDITORS_AGAIN = re.compile(r" \([^();]*, [Ee]ds?\.(?:\)|; )")


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
    entries = [{**_readable(thawed(items[name])), "id": key} for key, name in names.items()]
    # Neither a field nor a type that the library does not know is the reader's concern.
    with as_file(files("agents.evidence").joinpath("styles/apa.csl")) as path, warnings.catch_warnings(action="ignore"):
        style = library.CitationStylesStyle(str(path), validate=False)
        made = library.CitationStylesBibliography(style, CiteProcJSON(entries), library.formatter.plain)
        for key in names:
            made.register(library.Citation([library.CitationItem(key)]))
        made.sort()
        texts = [str(text) for text in made.bibliography()]
    return {names[key]: _mended(text, items[names[key]]) for key, text in zip(made.keys, texts, strict=True)}


def _readable(csl: dict[str, Any]) -> dict[str, Any]:
    """The entry without what citeproc-py cannot read: a season, and names that have no initials."""
    found = dict[str, Any]()
    for field, value in csl.items():
        if isinstance(value, Mapping):
            found[field] = {name: one for name, one in cast("Mapping[str, Any]", value).items() if name != "season"}
        elif isinstance(value, list):
            found[field] = [_whole_name(one) for one in cast("list[Any]", value)]
        else:
            found[field] = value
    return found


def _whole_name(value: Any) -> Any:
    """A name of East Asia in one piece, family name first, as its bearer writes it; other values as they are."""
    if not isinstance(value, Mapping):
        return value
    name = cast("Mapping[str, Any]", value)
    whole = f"{name.get('family', '')}{name.get('given', '')}"
    return {"literal": whole} if _NAME_WITHOUT_INITIALS.fullmatch(whole) else name


def _mended(text: str, csl: Mapping[str, Any]) -> str:
    """The reference without what citeproc-py does otherwise than other processors of the same style.

    It writes terms without their capital, and the `v.` between parties with one; leaves out the season of a date; names
    again what stands in the place of an author, a title or the editors; ends a question with a full stop too; and names
    the number of a thesis that has none.
    """
    title = str(csl.get("title", ""))
    if "author" not in csl and "editor" in csl:
        head, year, rest = text.partition(")")
        text = head + year + _EDITORS_AGAIN.sub(lambda found: " (" if found[0].endswith("; ") else "", rest, count=1)
    elif "author" not in csl and title and text.startswith(f"{title}."):
        text = text[: len(title)] + text[len(title) :].replace(f" {title}.", "", 1)
    if season := _SEASONS.get(str(dict(csl.get("issued") or {}).get("season", ""))):
        text = re.sub(r"\((\d+)\)", rf"(\1, {season})", text, count=1)
    if csl.get("type") == "legal_case" and title:
        text = re.sub(re.escape(title), lambda _: title, text, count=1, flags=re.IGNORECASE)
    if "number" not in csl:
        text = text.replace(" (Publication)", "", 1)
    text = _TERM.sub(lambda found: f"{found[1].capitalize()}.)", text)
    text = text.replace("?.", "?").replace("!.", "!")
    return " ".join(re.sub(r"(?<=\w)'(?=\w)", "’", text).split())
