"""Reads documents of other programs: DOCX, ODT, RTF, HTML, EPUB. Needs the extra `documents`, and `web` for HTML."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from contract.errors import StorageError
from contract.record import Locator, place_name
from flows.storage.headings import Blocks, headings_in_lines

MAX_UNPACKED_BYTES = 500_000_000
"""DOCX, ODT and EPUB are packed; a small file can unpack to one that fills the memory."""
_SAVE_AGAIN = "and save it again"
_RTF_ESCAPES = re.compile(r"\\\\|\\[{}]")
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING_STYLE = re.compile(r"(?i)heading [1-9]")
_MOST_STYLES = 20
_HEADING_BEGINS, _HEADING_ENDS = "\ufdd0", "\ufdd1"
"""Signs that no text holds, since Unicode has no characters there."""
_HEADINGS = ("h1", "h2", "h3")
_BLOCKS = (*_HEADINGS, "h4", "h5", "h6", "p", "li", "blockquote", "pre", "td", "th", "dt", "dd", "figcaption")
_CONTAINERS = ("body", "div", "section", "article", "aside", "header", "footer", "table", "tr", "ul", "ol", "dl", "hr")
_NO_WORDS = ("script", "style", "head", "title")


@dataclass(frozen=True)
class DocumentText:
    """What is read of a document."""

    values: dict[str, Any]
    """Its `text`, and its `title` and `author` if it names them."""
    locators: tuple[Locator, ...] = ()
    headings: tuple[tuple[int, str], ...] = ()
    """Where its headings stand, and their words."""
    warning: str | None = None
    """What of it could not be read, and what to do about it."""


def read_document(path: Path) -> DocumentText:
    """The text of the document, read by its ending.

    Raises ValueError, in plain words, for a document that is broken, locked or without text; StorageError when its
    library is not installed; OSError when the file cannot be read.
    """
    kind = path.suffix.lower()
    try:
        if kind in (".docx", ".odt", ".epub"):
            _check_size(path)
        found = _READERS[kind](path)
    except (StorageError, ValueError, OSError):
        raise
    except Exception as error:
        # What these libraries raise for a damaged file is not documented, and is anything.
        raise ValueError(f"the file cannot be read as {kind[1:].upper()}; it is damaged or of another kind") from error
    if not str(found.values["text"]).strip():
        raise ValueError("the document holds no text")
    values = {name: value for name, value in found.values.items() if str(value or "").strip()}
    return replace(found, values=values)


def _check_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
    except zipfile.BadZipFile:
        kind = path.suffix[1:].upper()
        raise ValueError(f"this is no {kind} file; it is damaged, locked with a password, or of another kind") from None
    if size > MAX_UNPACKED_BYTES:
        raise ValueError(f"it unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB")


def _read_docx(path: Path) -> DocumentText:
    docx: Any = import_module("docx")
    document = docx.Document(str(path))
    blocks = Blocks()
    for block in document.iter_inner_content():
        if hasattr(block, "rows"):
            for row in block.rows:
                blocks.add("\t".join(cell.text.strip() for cell in row.cells))
        else:
            blocks.add(block.text, is_heading=_is_heading(block))
    for note in _notes(document):
        blocks.add(note)
    named = document.core_properties
    values = {"title": named.title, "author": named.author, "text": blocks.text}
    return DocumentText(values, headings=tuple(blocks.headings))


def _is_heading(paragraph: Any) -> bool:
    """Whether its style, or one that this is based on, is a heading; Word keeps their names in English."""
    style, names = paragraph.style, list[str]()
    while style is not None and len(names) < _MOST_STYLES:
        names.append(str(style.name))
        style = style.base_style
    return any(map(_HEADING_STYLE.fullmatch, names))


def _notes(document: Any) -> list[str]:
    """Footnotes and endnotes, which python-docx does not read."""
    etree: Any = import_module("lxml.etree")
    found = list[str]()
    for part in document.part.package.iter_parts():
        name = posixpath.basename(str(part.partname))
        if name in ("footnotes.xml", "endnotes.xml"):
            tag = f"{_WORD}{name[: -len('s.xml')]}"
            for note in _safe_xml(etree, part.blob).iter(tag):
                if note.get(f"{_WORD}type") is None:
                    found.append("".join(node.text or "" for node in note.iter(f"{_WORD}t")))
    return found


def _read_odt(path: Path) -> DocumentText:
    odfdo: Any = import_module("odfdo")
    document = odfdo.Document(str(path))
    # The library runs a heading and the paragraph below it together.
    for heading in document.body.headers:
        heading.text = f"{_HEADING_BEGINS}{heading.text or ''}"
        heading.append(_HEADING_ENDS)
    blocks = Blocks()
    for part in re.split(rf"({_HEADING_BEGINS}[^{_HEADING_ENDS}]*{_HEADING_ENDS})", document.get_formatted_text()):
        blocks.add(part.strip(_HEADING_BEGINS + _HEADING_ENDS), is_heading=part.startswith(_HEADING_BEGINS))
    meta = document.meta
    values = {"title": meta.title, "author": meta.creator, "text": blocks.text}
    return DocumentText(values, headings=tuple(blocks.headings))


def _read_rtf(path: Path) -> DocumentText:
    library: Any = import_module("striprtf.striprtf")
    # RTF is ASCII; what is not is escaped in it, in the code page that it names.
    content = path.read_bytes().decode("latin-1")
    if not content.lstrip().startswith("{\\rtf"):
        raise ValueError("this is no RTF file")
    bare = _RTF_ESCAPES.sub("", content)
    damaged = bare.count("{") != bare.count("}")
    warning = f"its groups do not close, so words of it may be missing; open it, {_SAVE_AGAIN}" if damaged else None
    text = str(library.rtf_to_text(content)).replace("\x00", "").strip()
    return DocumentText({"text": text}, warning=warning)


def _read_html(path: Path) -> DocumentText:
    trafilatura: Any = import_module("trafilatura")
    document = trafilatura.bare_extraction(
        path.read_bytes(), with_metadata=True, include_comments=False, deduplicate=False
    )
    if document is None or not document.text:
        raise ValueError("there is no readable text on the page")
    named = {"title": document.title, "author": document.author, "date": document.date}
    text = document.text.strip()
    heads = [] if document.body is None else [_line(one) for one in document.body.iter("head")]
    return DocumentText({**named, "text": text}, headings=tuple(headings_in_lines(text, heads)))


def _read_epub(path: Path) -> DocumentText:
    etree: Any = import_module("lxml.etree")
    html: Any = import_module("lxml.html")
    with zipfile.ZipFile(path) as book:
        container = _safe_xml(etree, book.read("META-INF/container.xml"))
        package_name = str(next(container.iter("{*}rootfile")).get("full-path"))
        package = _safe_xml(etree, book.read(package_name))
        items = {item.get("id"): item.get("href") for item in package.iter("{*}item")}
        text, locators = "", list[Locator]()
        for number, reference in enumerate(package.iter("{*}itemref"), start=1):
            name = posixpath.join(posixpath.dirname(package_name), unquote(items[reference.get("idref")]))
            content = book.read(posixpath.normpath(name))
            # Chapters are UTF-8 or UTF-16, and need not say so.
            encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
            chapter = html.document_fromstring(content, parser=html.HTMLParser(encoding=encoding))
            if not (blocks := _blocks(chapter)):
                continue
            heading = next((line for one in chapter.iter(*_HEADINGS) if (line := _line(one))), "")
            locators.append(Locator(start=len(text), name=place_name(heading) or f"part {number}"))
            text += "\n\n".join(blocks) + "\n\n"
        title, author = (next(iter(package.iter(f"{{*}}{name}")), None) for name in ("title", "creator"))
    named = {"title": _line(title), "author": _line(author)}
    return DocumentText({**named, "text": text.rstrip()}, tuple(locators))


def _blocks(chapter: Any) -> list[str]:
    """The words of a chapter, block by block; words that stand in no block, as between two, are one by themselves."""
    found, stretch = list[str](), list[str]()

    def end() -> None:
        if line := " ".join("".join(stretch).split()):
            found.append(line)
        stretch.clear()

    def walk(element: Any) -> None:
        if not isinstance(element.tag, str) or element.tag in _NO_WORDS:
            return
        is_block = element.tag in _BLOCKS or element.tag in _CONTAINERS
        if is_block:
            end()
        stretch.append(" " if element.tag == "br" else element.text or "")
        for child in element:
            walk(child)
            stretch.append(child.tail or "")
        if is_block:
            end()

    body = next(chapter.iter("body"), chapter)
    walk(body)
    end()
    return found


def _line(element: Any) -> str:
    """The element's text in one line."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _safe_xml(etree: Any, content: bytes) -> Any:
    """The parsed XML; no entity is resolved, and nothing is fetched."""
    return etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))


_READERS: Mapping[str, Callable[[Path], DocumentText]] = {
    ".docx": _read_docx,
    ".odt": _read_odt,
    ".rtf": _read_rtf,
    ".html": _read_html,
    ".htm": _read_html,
    ".epub": _read_epub,
}
PROGRAM_SUFFIXES = tuple(_READERS)
