"""Entries in CSL-JSON (Citation Style Language 1.0.2), cleaned: known fields of known shapes, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from contract.errors import StorageError


def _names_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NAME_FIELDS = _names_in(
    "author chair collection-editor compiler composer container-author contributor curator director editor "
    "editor-translator editorial-director executive-producer guest host illustrator interviewer narrator "
    "organizer original-author performer producer recipient reviewed-author script-writer series-creator "
    "translator"
)
_DATE_FIELDS = frozenset(["accessed", "available-date", "event-date", "issued", "original-date", "submitted"])
_NUMBER_FIELDS = _names_in(
    "chapter-number citation-number collection-number edition first-reference-note-number issue locator number "
    "number-of-pages number-of-volumes page page-first part-number printing-number section supplement-number "
    "version volume"
)
_TEXT_FIELDS = _names_in(
    "archive archive_collection archive_location archive-place authority call-number collection-title "
    "container-title container-title-short dimensions division DOI event event-title event-place genre ISBN ISSN "
    "jurisdiction language medium original-publisher original-publisher-place original-title PMCID PMID publisher "
    "publisher-place references reviewed-genre reviewed-title scale source status title title-short URL "
    "volume-title"
)
_TYPES = _names_in(
    "article article-journal article-magazine article-newspaper bill book broadcast chapter classic collection "
    "dataset document entry entry-dictionary entry-encyclopedia event figure graphic hearing interview legal_case "
    "legislation manuscript map motion_picture musical_score pamphlet paper-conference patent performance "
    "periodical personal_communication post post-weblog regulation report review review-book software song speech "
    "standard thesis treaty webpage"
)
_NAME_PARTS = ("family", "given", "literal", "suffix", "dropping-particle", "non-dropping-particle")
_MAX_CHARACTERS = 4000
_MAX_NAMES = 300
_MARKUP = re.compile(r"</?(?:i|b|em|strong|sub|sup|sc|span)(?:\s[^<>]*)?>", re.IGNORECASE)
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>]{1,300}(?=$|[\s\"<>])")
_RAW_DATE = re.compile(r"(-?\d{4})(?:[-/](\d{1,2}))?(?:[-/](\d{1,2}))?\b")


def read_items(text: str, source: str) -> list[Mapping[str, Any]]:
    """The entries of a text in CSL-JSON: a list, or an object with `items`. Raises StorageError for other texts."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{source} is not JSON: {error}; export the library again as CSL JSON") from None
    if isinstance(found, dict):
        found = cast("dict[str, Any]", found).get("items")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in cast("list[Any]", found)):
        raise StorageError(f"{source} is no CSL JSON, which is a list of entries; in Zotero: Export, CSL JSON")
    return cast("list[Mapping[str, Any]]", found)


def is_csl_file(path: Path) -> bool:
    """Whether a file holds entries in CSL-JSON: each has an `id` and a `type` that CSL knows."""
    try:
        items = read_items(path.read_text(encoding="utf-8-sig"), path.name)
    except (StorageError, OSError, ValueError):
        return False
    return bool(items) and all("id" in one and _text(one.get("type")) in _TYPES for one in items)


def cleaned(item: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with the fields that a reference is made of; what has another shape than CSL's is left out."""
    kind = _text(item.get("type"))
    found: dict[str, Any] = {"type": kind if kind in _TYPES else "document"}
    for name, value in item.items():
        if name in _NAME_FIELDS and (names := _names(value)):
            found[name] = names
        elif name in _DATE_FIELDS and (date := _date(value)):
            found[name] = date
        elif name in _NUMBER_FIELDS | _TEXT_FIELDS and (text := _text(value)):
            found[name] = text
    if "DOI" in found:
        doi = _DOI.search(found.pop("DOI"))
        found |= {"DOI": doi[0].rstrip(".,;")} if doi else {}
    if "URL" in found and not re.match(r"https?://\S+$", found["URL"]):
        del found["URL"]
    return found


def entry_id(item: Mapping[str, Any]) -> str:
    """The name of an entry: its citation key, else its id; of an id that is an address, the last part."""
    name = _text(item.get("citation-key")) or _text(item.get("id"))
    return name.rstrip("/").rpartition("/")[2] if re.match(r"https?://|\d+/", name) else name


def metadata_of(item: Mapping[str, Any], csl: Mapping[str, Any]) -> dict[str, Any]:
    """What a record keeps of its entry: the CSL data, and what a search can be narrowed by."""
    issued: list[int] = csl["issued"]["date-parts"][0] if "issued" in csl else []
    authors: list[dict[str, str]] = csl.get("author") or csl.get("editor") or []
    names = [one.get("family") or one.get("literal") for one in authors]
    found: dict[str, Any] = {
        "item": entry_id(item),
        "doi": csl.get("DOI", "").lower() or None,
        "date": "-".join([f"{issued[0]:04d}", *(f"{part:02d}" for part in issued[1:])]) if issued else None,
        "year": issued[0] if issued else None,
        "authors": [name for name in names if name] or None,
        "kind": csl["type"],
        "container": csl.get("container-title"),
        "language": csl.get("language"),
        "csl": dict(csl),
    }
    return {name: value for name, value in found.items() if value is not None}


def address_of(csl: Mapping[str, Any]) -> str | None:
    """Where the work can be read: by its DOI, else its address."""
    if doi := csl.get("DOI"):
        return f"https://doi.org/{quote(doi, safe='/().;-_:')}"
    return csl.get("URL")


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(_UNSEEN.sub(" ", _MARKUP.sub("", str(value))).split())[:_MAX_CHARACTERS]


def _names(value: Any) -> list[dict[str, str]]:
    given = cast("Sequence[Any]", value)[:_MAX_NAMES] if isinstance(value, list | tuple) else ()
    mappings = [cast("Mapping[str, Any]", one) for one in given if isinstance(one, Mapping)]
    named = [{part: text for part in _NAME_PARTS if (text := _text(one.get(part)))} for one in mappings]
    return [name for name in named if name.get("family") or name.get("literal") or name.get("given")]


def _date(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    date = cast("Mapping[str, Any]", value)
    parts = date.get("date-parts")
    if isinstance(parts, list | tuple):
        read = [numbers for one in cast("Sequence[Any]", parts)[:2] if (numbers := _numbers(one))]
        season = {"season": str(date["season"])} if str(date.get("season")) in tuple("1234") else {}
        return {"date-parts": read, **season} if read else {}
    found = _RAW_DATE.match(_text(date.get("raw")) or _text(date.get("literal")))
    return (
        {"date-parts": [numbers]} if found and (numbers := _numbers([part for part in found.groups() if part])) else {}
    )


def _numbers(parts: Any) -> list[int]:
    """Year, month and day, as far as they are numbers that a calendar has."""
    found = list[int]()
    bounds = ((-9999, 9999), (1, 12), (1, 31))
    given = cast("Sequence[Any]", parts) if isinstance(parts, list | tuple) else ()
    for part, (low, high) in zip(given, bounds, strict=False):
        text = _text(part)
        if not re.fullmatch(r"-?\d{1,4}", text) or not low <= int(text) <= high:
            break
        found.append(int(text))
    return found
