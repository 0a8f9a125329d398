"""Reads the text of a PDF, all pages, and its title and author. Needs the extra `studies`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flows.storage.page_breaks import join_pages
from flows.storage.values import import_optional


def pdf_values(path: Path) -> dict[str, Any]:
    """The document's `text`, its `title` and `author` if it names them, and its number of `pages`.

    `left_out` names the running heads and page numbers that do not belong to the text, if there are any.

    Raises ValueError, in plain words, for a document that is broken, locked or without text; StorageError when
    pypdf is not installed; OSError when the file cannot be read.
    """
    pypdf = import_optional("pypdf", "studies", "reading PDF")
    # The reject reports what is wrong with a file; pypdf would print it as well.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    with path.open("rb") as file:
        try:
            reader = pypdf.PdfReader(file)
            pages = [page.extract_text() for page in reader.pages]
            info: dict[str, Any] = reader.metadata or {}
            named = {"title": info.get("/Title"), "author": info.get("/Author")}
        except (pypdf.errors.FileNotDecryptedError, pypdf.errors.WrongPasswordError):
            raise ValueError("the PDF is locked with a password; save a copy without one") from None
        except OSError:
            raise
        except Exception as error:  # a malformed PDF makes pypdf fail in any way
            raise ValueError(f"the PDF is broken: {error or type(error).__name__}") from None
    text, heads = join_pages(pages)
    if not text:
        raise ValueError(
            "the PDF holds no text: its pages are probably pictures; run text recognition (OCR) on it first"
        )
    found: dict[str, Any] = {name: str(value).strip() for name, value in named.items() if value and str(value).strip()}
    if heads:
        found["left_out"] = "; ".join(heads)
    return {**found, "pages": len(pages), "text": text}
