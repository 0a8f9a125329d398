"""PageSource: the settings that every source of records has."""

from __future__ import annotations

from pydantic import Field

from contract.base import Frozen
from contract.record_columns import RecordColumns


def is_unset(value: object) -> bool:
    """Whether an optional setting was not given, so that it is in no key."""
    return value is None


class PageSource(Frozen):
    """A source whose rows may be addresses of web pages, or answers of several people to one text."""

    masked: RecordColumns = Field(default=(), exclude_if=lambda value: not value)
    """Fields of the records that the tables of a run show as `<masked>`, for example `[text, metadata.author]`."""

    rows: str | None = Field(default=None, min_length=1, max_length=200, exclude_if=is_unset)
    """`answers`: each row is what one person answered, and the rows with one id (or without ids, with one text) are
    one record. `whole`: a JSON object is one record, even if it looks like a table of records by their ids. Any other
    name is that of a list in each row, dotted for one in another: each item is a row, with what it stands in."""

    @property
    def rows_path(self) -> str | None:
        """The list within each row whose items are the rows, where `rows` names one."""
        return None if self.rows in (None, "answers", "whole") else self.rows

    fetch: bool = Field(default=False, exclude_if=lambda value: not value)
    """A row whose text is nothing but an address of the web, or that has an address and no text, stands for the page:
    a run fetches it once, within bounds, and its main text becomes the record's. Never without this setting: a request
    tells a site who reads it, and a text that mentions an address is no wish to visit it."""
