"""The pages of the web that a run would read for its records, before it reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from contract.record import Record
from flows.engine.records import fetches_pages
from flows.results.open import result_store
from flows.results.page_records import PagesByAddress
from flows.spec.study import Study
from flows.storage.page_records import address_of, record_of_page


@dataclass(frozen=True)
class PlannedPages:
    """Addresses that records consist of, in their order, each once."""

    to_fetch: tuple[str, ...] = ()
    kept: int = 0
    """Pages that an earlier run has fetched, and that are not asked for again."""


def planned_pages(study: Study, records: Iterable[Record]) -> PlannedPages | None:
    """What the run would fetch; None for a study that fetches nothing. Connects to nothing."""
    if not fetches_pages(study):
        return None
    pages = PagesByAddress(result_store(study.run.results))
    addresses = dict.fromkeys(url for record in records if (url := address_of(record)))
    missing = tuple(url for url in addresses if pages.get(url) is None)
    return PlannedPages(missing, len(addresses) - len(missing))


def with_kept_pages(study: Study, records: Iterable[Record]) -> Iterator[Record]:
    """The records, those with the text of their page whose page is kept."""
    pages = PagesByAddress(result_store(study.run.results)) if fetches_pages(study) else None
    for record in records:
        url = address_of(record) if pages else None
        page = pages.get(url) if pages and url else None
        yield record_of_page(record, page) if page else record
