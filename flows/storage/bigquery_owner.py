"""Whose the rows are that a save to BigQuery would replace.

Two groups can give a study the same name in the same table. Where the storage names an `owner`, only that owner's rows
are replaced. Where it names none, rows that another account wrote, or that are all about other texts, are taken for
another group's, and nothing is saved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import StorageError
from contract.storage import BigQueryStorage
from flows.storage.bigquery import table_name


@dataclass(frozen=True)
class StandingRows:
    """What a table holds of the cells that are to be saved."""

    storage: BigQueryStorage
    without_study: int
    """Rows that name no study, as an earlier version wrote them."""
    without_owner: int
    """Rows of the study that name no owner, while the storage does."""
    others: int
    """Rows that would be replaced and that another account wrote."""
    accounts: str
    """Those accounts."""
    records: int
    """Records of the rows that would be replaced, where their texts are known."""
    same_texts: int
    """Those of them with the same text here."""

    @classmethod
    def of(cls, storage: BigQueryStorage, row: Mapping[str, Any]) -> StandingRows:
        """From the row that the service answered."""
        counts = ("without_study", "without_owner", "others", "records", "same_texts")
        numbers = {name: int(row[name] or 0) for name in counts}
        return cls(storage=storage, accounts=str(row["accounts"] or ""), **numbers)

    def raise_if_others(self) -> None:
        """Raises StorageError where the rows seem to be another group's."""
        if self.storage.owner is not None:
            return
        if self.others:
            what = f"{self.others:,} of its rows, which this run would replace, were saved by {self.accounts}"
        elif self.records and not self.same_texts:
            what = f"its texts are others under all {self.records:,} ids that this run has, too"
        else:
            return
        raise StorageError(
            f"the table {table_name(self.storage)} has a study '{self.storage.study}' already, and {what}. No row was "
            "changed. If it is another group's, write another `study:` in the storage, or `owner:` and the name of "
            "your group. If it is your group's, write the same `owner:` in the storage of everybody who saves to it, "
            f"and give it its rows, in both tables: {self._statement}"
        )

    @property
    def told(self) -> str:
        """What stays beside the rows that were saved, as the end of a sentence; empty where nothing does."""
        return "".join(
            f"; {number:,} older of the same cells, without {name}, left as they were"
            for number, name in ((self.without_study, "`study`"), (self.without_owner, "`owner`"))
            if number
        )

    @property
    def _statement(self) -> str:
        table = f"`{table_name(self.storage)}`"
        study = (self.storage.study or "").replace("'", "\\'")
        return f"UPDATE {table} SET owner = 'our group' WHERE study = '{study}' AND owner IS NULL"  # noqa: S608 - only shown
