"""Passages know the pages that they stand on, and so do the quotations from them, whichever store keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.evidence.citations import QuotablePassages
from contract.findings import Citation
from contract.record import Locator
from contract.storage import CorpusStorage, FileStorage, VectorStorage
from flows.corpus import source_state
from flows.corpus.chunk import passage_locators
from flows.corpus.index import CorpusIndex
from flows.storage import documents
from flows.storage.pdf import read_pdf
from flows.storage.rows import Row, Rows
from tests.corpus.fake_embedders import open_counting
from tests.storage.test_formats import pdf

PAGES = (
    "The council met in Vienna in the spring of 1931. 111",
    "The treasurer reported that the ferry had lost money and 112",
    "that the boiler would have to be replaced before winter. 113",
    "The council closed the ferry to the island. 114",
)


def _config(kind: str, folder: Path) -> CorpusStorage | VectorStorage:
    (folder / "texts").mkdir(exist_ok=True)
    settings: dict[str, Any] = {"source": FileStorage(path=folder / "texts"), "label": "Minutes"}
    if kind == "sqlite":
        return CorpusStorage.model_validate(settings)
    return VectorStorage.model_validate({**settings, "type": "vector", "path": str(folder / "collection")})


async def _locator(index: CorpusIndex, quote: str) -> str | None:
    passages = await index.search([quote], 5)
    cited = Citation(quote=quote, passage_id=passages[0].passage_id, record_id="", title="", section="")
    [checked] = QuotablePassages(passages).check_citation(cited)
    assert checked.status == "found"
    return checked.locator


@pytest.mark.parametrize("kind", ["sqlite", "vector"])
async def test_a_quotation_names_its_printed_page_or_pages(kind: str, tmp_path: Path) -> None:
    config = _config(kind, tmp_path)
    (tmp_path / "texts" / "minutes.pdf").write_bytes(pdf(*PAGES))
    index, _ = open_counting(config, tmp_path / "cache")
    assert await _locator(index, "The council closed the ferry to the island.") == "p. 114"
    [passage] = await index.search(["ferry"], 1)
    assert [one.name for one in passage.locators] == ["p. 111", "p. 112", "p. 113", "p. 114"]
    assert "locators" not in str(dict(passage.metadata))


async def test_a_text_without_pages_has_none(tmp_path: Path) -> None:
    config = _config("sqlite", tmp_path)
    (tmp_path / "texts" / "letter.txt").write_text("The council closed the ferry to the island.")
    index, _ = open_counting(config, tmp_path / "cache")
    assert await _locator(index, "closed the ferry to the island") is None
    [passage] = await index.search(["ferry"], 1)
    assert "locators" not in passage.model_dump(mode="json")


def test_a_passage_has_the_pages_that_it_stands_on_counted_from_its_beginning() -> None:
    pages = [Locator(start=10 * number, name=f"p. {number + 1}") for number in range(4)]
    assert [(one.start, one.name) for one in passage_locators(pages, "text", 15, 30)] == [(0, "p. 2"), (5, "p. 3")]
    assert passage_locators(pages, "reasons", 15, 30) == ()


async def test_an_index_made_before_pages_were_read_is_brought_up_to_date_and_embeds_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config("sqlite", tmp_path)
    (tmp_path / "texts" / "minutes.pdf").write_bytes(pdf(*PAGES))
    with monkeypatch.context() as earlier:
        earlier.setattr(source_state, "_READER_VERSIONS", {})
        earlier.setattr(documents, "_pdf_rows", _rows_without_pages)
        index, _ = open_counting(config, tmp_path / "cache")
        assert await _locator(index, "The council closed the ferry to the island.") is None
    index, embedded = open_counting(config, tmp_path / "cache")
    assert await _locator(index, "The council closed the ferry to the island.") == "p. 114"
    assert embedded == 0


def _rows_without_pages(path: Path, name: str) -> Rows:
    yield Row(0, {"record_id": name, "title": path.stem, **read_pdf(path).values}, str(path))
