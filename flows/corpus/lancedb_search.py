"""Searches a LanceDB collection by meaning and by words, and makes the indexes that keep this fast."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flows.corpus.lancedb_tables import LanceDBTables, is_in
from flows.corpus.passage_store import Within
from flows.storage.values import import_optional

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_REFINE_FACTOR = 10
"""With an approximate index, this many times the wanted passages are compared by their full vectors."""
_TITLE_BOOST = 2.0
"""Weight of titles in full-text search: they count twice."""


class LanceDBSearch:
    """Searches in the table of passages."""

    def __init__(self, tables: LanceDBTables, exact_below: int) -> None:
        self._tables = tables
        self._exact_below = exact_below
        self._is_exact: bool | None = None

    def update_indexes(self) -> None:
        """Makes the missing indexes, and adds new rows to the existing ones."""
        if (table := self._tables.open_table("passages")) is None:
            return
        kinds: Any = import_optional("lancedb.index", "vector", "a vector collection")
        words = kinds.FTS(with_position=True, stem=True, remove_stop_words=False, ascii_folding=True)
        indexes: dict[str, Any] = {
            "title": words,
            "text": words,
            "record_id": kinds.BTree(),
            "passage_id": kinds.BTree(),
        }
        if self._tables.count("passages") > self._exact_below:
            indexes["vector"] = kinds.IvfPq(distance_type="cosine")
        with self._tables.as_storage_errors():
            existing = {column for index in table.list_indices() for column in index.columns}
            for column, config in indexes.items():
                if column not in existing:
                    table.create_index(column, config=config)
            table.optimize()
        self._is_exact = None

    def nearest(self, vector: NDArray[np.float32], depth: int, within: Within = None) -> list[str]:
        """The passages nearest to the vector, nearest first."""
        if (table := self._tables.open_table("passages")) is None:
            return []
        if self._is_exact is None:
            self._is_exact = self._tables.count("passages") <= self._exact_below
        with self._tables.as_storage_errors():
            query = table.search(vector, vector_column_name="vector").distance_type("cosine")
            query = query.bypass_vector_index() if self._is_exact else query.refine_factor(_REFINE_FACTOR)
            query = _inside(query, within)
            return _ranked_ids(query.select(["passage_id", "_distance"]).limit(depth).to_arrow(), "_distance", 1)

    def full_text_search(self, phrases: Sequence[str], depth: int, within: Within = None) -> list[str]:
        """The passages that hold any of the phrases, best first."""
        if (table := self._tables.open_table("passages")) is None:
            return []
        with self._tables.as_storage_errors():
            query = table.search(_any_phrase_query(phrases), query_type="fts").select(["passage_id", "_score"])
            return _ranked_ids(_inside(query, within).limit(depth).to_arrow(), "_score", -1)

    def siblings(self, key: str) -> list[str]:
        """All passages of the document of this passage, in reading order."""
        owners = self._tables.select_in("passages", "passage_id", [key], ["record_id"])
        ids = {name for some in owners for name in some["record_id"].to_pylist()}
        found = self._tables.select_in("passages", "record_id", ids, ["passage_id", "position"])
        rows = [row for some in found for row in some.to_pylist()]
        return [row["passage_id"] for row in sorted(rows, key=lambda row: row["position"])]


def _inside(query: Any, within: Within) -> Any:
    """The query, in the passages of these documents alone; they are chosen before anything is ranked."""
    return query if within is None else query.where(is_in("record_id", list(within)), prefilter=True)


def _ranked_ids(found: Any, by: str, sign: int) -> list[str]:
    """The ids, each once, in the order of `by`; ties in the order of the ids, so that every machine agrees."""
    rows = sorted(found.to_pylist(), key=lambda row: (sign * row[by], row["passage_id"]))
    return list(dict.fromkeys(row["passage_id"] for row in rows))


def _any_phrase_query(phrases: Sequence[str]) -> Any:
    """A query that matches any of the words and phrases; they are its values, never parsed as query language."""
    query: Any = import_optional("lancedb.query", "vector", "a vector collection")
    should = query.Occur.SHOULD
    words = " ".join(phrase for phrase in phrases if " " not in phrase)
    several = [phrase for phrase in phrases if " " in phrase]
    clauses = [query.PhraseQuery(phrase, column) for phrase in several for column in ("title", "text")]
    if words:
        clauses += [query.MatchQuery(words, "text"), query.MatchQuery(words, "title", boost=_TITLE_BOOST)]
    return query.BooleanQuery([(should, one) for one in clauses])
