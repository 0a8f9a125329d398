"""Reads the text of a PDF page by page, with the pages' labels, its title and author."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import Any

from contract.record import Locator
from flows.storage.footnotes import text_of_page
from flows.storage.page_breaks import join_pages
from flows.storage.page_numbers import printed_numbers
from flows.storage.pdf_fonts import mend_fonts

_MOST_PAGES = 100_000
"""A document that says it has more is damaged in that number."""
_LABEL = re.compile(r"[\w./*†-][\w ./*†-]{0,19}")
"""A page label that can be cited; others are no numbers of pages."""
_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
"""Whoever searches for `office` does not write `oﬃce`."""


@dataclass(frozen=True)
class PdfText:
    """What is read of a PDF."""

    values: dict[str, Any]
    """Its `text`, its number of `pages`, its `title` and `author` if it names them, and `left_out`, the running heads
    and page numbers that do not belong to the text."""
    locators: tuple[Locator, ...]
    """Its pages: by the document's own labels, else by the printed numbers, else by their place in the file."""
    warning: str | None
    """Which pages are pictures without text, and what to do about it."""


@dataclass(frozen=True)
class _Pages:
    texts: list[str]
    labels: list[str]
    """Empty where the document labels none."""
    pictures: list[int]
    """Places of the pages that show a picture and hold no text."""
    lost: list[int]
    """Places of the pages that hold nothing, of a file that pypdf had to mend."""
    count: int
    """How many pages the document says it has; a damaged one may have lost some."""
    named: dict[str, Any]


def read_pdf(path: Path) -> PdfText:
    """Returns the text of all pages, and where each begins.

    Raises ValueError, in plain words, for a document that is broken, locked or without text; StorageError when
    pypdf is not installed; OSError when the file cannot be read.
    """
    pages = _read_pages(path)
    printed = printed_numbers(pages.texts)
    joined = join_pages(pages.texts, printed)
    if not joined.text:
        raise ValueError(f"the PDF holds no text: its pages are probably pictures; {_recognise(path)}")
    values: dict[str, Any] = {
        name: str(value).strip() for name, value in pages.named.items() if value and str(value).strip()
    }
    if joined.left_out:
        values["left_out"] = "; ".join(joined.left_out)
    names = _page_names(pages, printed)
    locators = tuple(Locator(start=start, name=names[at]) for at, start in joined.starts.items())
    warning = None
    if pages.count > len(pages.texts):
        which = f"of its {pages.count} pages only {len(pages.texts)} can be read"
        warning = f"the PDF is damaged, and {which}; print it anew as a PDF from the program that made it"
    elif pages.lost:
        which = f"{len(pages.lost)} of its {len(pages.texts)} pages hold nothing (PDF pages {_ranges(pages.lost)})"
        warning = f"the PDF is damaged, and {which}; look whether words are missing, and print it anew as a PDF"
    elif pages.pictures:
        which = f"{len(pages.pictures)} of its {len(pages.texts)} pages are pictures without text, so they are not read"
        warning = f"{which} (PDF pages {_ranges(pages.pictures)}); {_recognise(path)}"
    return PdfText({**values, "pages": len(pages.texts), "text": joined.text}, locators, warning)


def _recognise(path: Path) -> str:
    name = path.name.replace("'", "'\\''")
    return f"run text recognition first: ocrmypdf --skip-text '{name}' '{name}'"


def _read_pages(path: Path) -> _Pages:
    pypdf: Any = import_module("pypdf")
    # The reject reports what is wrong with a file; pypdf would print it as well.
    mended = _Mended()
    with mended.noted(), path.open("rb") as file:
        try:
            reader = pypdf.PdfReader(file)
            texts = [_text_of(page) for page in reader.pages]
            pictures = [at for at, text in enumerate(texts) if not text.strip() and _has_picture(reader.pages[at])]
            blank = [at for at, text in enumerate(texts) if not text.strip() and at not in pictures]
            info: dict[str, Any] = reader.metadata or {}
            named = {"title": info.get("/Title"), "author": info.get("/Author")}
            labels = list(reader.page_labels) if "/PageLabels" in reader.root_object else []
        except (pypdf.errors.FileNotDecryptedError, pypdf.errors.WrongPasswordError):
            raise ValueError("the PDF is locked with a password; save a copy without one") from None
        except OSError:
            raise
        except Exception as error:  # a malformed PDF makes pypdf fail in any way
            raise ValueError(f"the PDF is broken: {error or type(error).__name__}") from None
    return _Pages(texts, labels, pictures, blank if mended.records else [], _declared(reader), named)


def _text_of(page: Any) -> str:
    mend_fonts(page)
    return text_of_page(page).translate(_LIGATURES)


class _Mended(logging.Handler):
    """Notes what pypdf warns of; the reject reports what is wrong with a file, and pypdf would print it as well."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps the message."""
        self.records.append(record.getMessage())

    @contextmanager
    def noted(self) -> Generator[None]:
        """Keeps what is warned of in the block."""
        logger = logging.getLogger("pypdf")
        logger.setLevel(logging.WARNING)
        logger.propagate = False
        logger.addHandler(self)
        try:
            yield
        finally:
            logger.removeHandler(self)


def _declared(reader: Any) -> int:
    pages = reader.root_object.get("/Pages")
    count = pages.get_object().get("/Count") if pages is not None else None
    return count if isinstance(count, int) and count < _MOST_PAGES else 0


def _has_picture(page: Any) -> bool:
    resources = page.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources is not None else None
    parts = objects.get_object().values() if objects is not None else ()
    return any(part.get_object().get("/Subtype") in ("/Image", "/Form") for part in parts)


def _page_names(pages: _Pages, printed: Mapping[int, str]) -> list[str]:
    """How each page is cited."""
    count = [str(at) for at in range(1, len(pages.texts) + 1)]
    labels = pages.labels if pages.labels != count else []
    return [
        f"p. {label}" if label else f"PDF p. {at + 1}"
        for at in range(len(pages.texts))
        for label in [_usable(labels, at) or printed.get(at)]
    ]


def _usable(labels: Sequence[str], at: int) -> str | None:
    label = labels[at].strip() if at < len(labels) else ""
    return label if _LABEL.fullmatch(label) else None


def _ranges(places: Sequence[int]) -> str:
    """Places counted from 0, as readers write page numbers: `3, 5-7`."""
    return ", ".join(_runs(places))


def _runs(places: Sequence[int]) -> Iterator[str]:
    for _, run in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
        numbers = [place + 1 for _, place in run]
        yield str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]}-{numbers[-1]}"
