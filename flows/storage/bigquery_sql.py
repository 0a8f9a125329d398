"""The two tables that a run is saved to in BigQuery, and the statements that change them.

Every name is quoted; no value of a study stands in a statement, since the rows come from a staging table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import BaseModel

from contract.storage import BigQueryStorage
from flows.storage.bigquery import quote_identifier
from flows.storage.bigquery_schema import TableColumn
from flows.storage.saved_cell import RunCell, SavedCell

_DIGEST_COLUMN = "answer_digest"
_ACCOUNT_COLUMN = "saved_by"
_OWNER_COLUMN = "owner"
_MAX_DAYS = 500
"""Of more days, the first and the last are named."""


@dataclass(frozen=True)
class SavedTable:
    """One of the two tables that a run is saved to."""

    suffix: str
    """What its name has after that of the storage's table."""
    rows: type[BaseModel]
    key: tuple[str, ...]
    """The columns of which no two rows have the same values."""
    partition: str
    """The column by whose day the table is partitioned."""
    clustering: tuple[str, ...]
    description: str


CELLS = SavedTable(
    "", SavedCell, ("study", _OWNER_COLUMN, "cell_id"), "ended", ("study", "flow", "step", "record_id"),
    "Cells of studies: one row for each study, record, step, variant and repeat.",
)  # fmt: skip
RUNS = SavedTable(
    "_runs", RunCell, ("study", _OWNER_COLUMN, "run", "cell_id"), "started", ("study", "flow", "run"),
    "Which cells each run of a study has, with the digest of the answer that they had in it.",
)  # fmt: skip


def add_column_sql(storage: BigQueryStorage, column: TableColumn) -> str:
    """The SQL that adds a column to the storage's table; the column is empty in existing rows."""
    kind = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(column.type, column.type)
    declared = f"{quote_identifier(column.name)} {f'ARRAY<{kind}>' if column.mode == 'REPEATED' else kind}"
    table = quote_identifier(storage.project, storage.dataset, storage.table)
    return f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {declared}"


def standing_sql(storage: BigQueryStorage, staging_table: str) -> str:
    """The SQL that asks what the table holds of the cells of `staging_table`, and whose that is; one row.

    `without_study` and `without_owner` are rows that the merge leaves alone; `others` and `accounts` the rows that it
    may replace and that another account wrote; `records` how many records those rows are about, `same_texts` how many
    of these have the same text here.
    """
    kept, fresh = _names(storage, staging_table)
    ours, other = _same_key(CELLS), f"kept.{_ACCOUNT_COLUMN} <> SESSION_USER()"
    named = f"{ours} AND kept.record_sha256 IS NOT NULL"
    return (
        "SELECT COUNTIF(kept.study IS NULL) AS without_study, "  # noqa: S608 - names are quoted
        "COUNTIF(kept.study = fresh.study AND kept.owner IS NULL AND fresh.owner IS NOT NULL) AS without_owner, "
        f"COUNTIF({ours} AND {other}) AS others, "
        f"STRING_AGG(DISTINCT IF({ours} AND {other}, kept.{_ACCOUNT_COLUMN}, NULL), ', ') AS accounts, "
        f"COUNT(DISTINCT IF({named}, kept.record_id, NULL)) AS records, "
        f"COUNT(DISTINCT IF({named} AND kept.record_sha256 = fresh.record_sha256, kept.record_id, NULL)) AS same_texts "
        f"FROM {kept} AS kept JOIN {fresh} AS fresh ON kept.cell_id = fresh.cell_id"
    )


def days_sql(storage: BigQueryStorage, staging_table: str, table: SavedTable) -> str:
    """The SQL that asks on which days rows of `staging_table` stand in the table already; it reads few columns.

    The days of the rows themselves are among them: there another save may put the same rows before they are merged.
    """
    kept, fresh = _names(storage, staging_table)
    column = quote_identifier(table.partition)
    return (
        f"SELECT DATE(kept.{column}) AS day FROM {kept} AS kept "  # noqa: S608 - names are quoted
        f"JOIN {fresh} AS fresh ON {_same_key(table)} "
        f"UNION DISTINCT SELECT DATE(fresh.{column}) AS day FROM {fresh} AS fresh"
    )


def merge_sql(
    storage: BigQueryStorage, staging_table: str, columns: Sequence[str], table: SavedTable, days: Sequence[date]
) -> str:
    """The SQL that merges the rows of `staging_table` into the table.

    `days` are those on which some of them may stand there: other partitions are neither read nor changed.
    """
    fresh_values = {name: _fresh_value(name) for name in columns}
    keys, same = set(table.key), quote_identifier(_DIGEST_COLUMN)
    names = [quote_identifier(name) for name in columns]
    changes = ", ".join(
        f"{quote_identifier(name)} = {value}" for name, value in fresh_values.items() if name not in keys
    )
    kept, fresh = _names(storage, staging_table)
    return (
        f"MERGE {kept} AS kept USING {fresh} AS fresh "  # noqa: S608 - names are quoted
        f"ON {_same_key(table)} AND {_on_days(table, days)} "
        f"WHEN MATCHED AND kept.{same} IS DISTINCT FROM fresh.{same} THEN UPDATE SET {changes} "
        f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)}) VALUES ({', '.join(fresh_values.values())})"
    )


def _fresh_value(column: str) -> str:
    return "SESSION_USER()" if column == _ACCOUNT_COLUMN else f"fresh.{quote_identifier(column)}"


def _names(storage: BigQueryStorage, staging_table: str) -> tuple[str, str]:
    place = (storage.project, storage.dataset)
    return quote_identifier(*place, storage.table), quote_identifier(*place, staging_table)


def _same_key(table: SavedTable) -> str:
    return " AND ".join(_same(name) for name in table.key)


def _same(column: str) -> str:
    name = quote_identifier(column)
    if column == _OWNER_COLUMN:  # A row without an owner is like another one without.
        return f"IFNULL(kept.{name}, '') = IFNULL(fresh.{name}, '')"
    return f"kept.{name} = fresh.{name}"


def _on_days(table: SavedTable, days: Sequence[date]) -> str:
    """The condition by which BigQuery leaves out partitions: it has to be of constants."""
    if not days:
        return "FALSE"
    column = f"DATE(kept.{quote_identifier(table.partition)})"
    listed = ", ".join(f"DATE '{day}'" for day in sorted(days))
    if len(days) > _MAX_DAYS:
        return f"{column} BETWEEN DATE '{min(days)}' AND DATE '{max(days)}'"
    return f"{column} IN ({listed})"
