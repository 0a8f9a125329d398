"""Checks that the documents of a corpus have the metadata that a search's `where` names, and that some fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.record import Record
from contract.storage import SearchableStorage
from contract.where import where_words
from flows.check.preview import Preview
from flows.config.diagnostics import Diagnostics
from flows.config.provenance import KeyPath
from flows.config.validate import ValidatedFlow
from flows.corpus.chunk import publication_date
from flows.corpus.document_filter import Document, DocumentFilter
from flows.spec.nodes import walk_nodes
from flows.spec.search_steps import WHERE, where_of

if TYPE_CHECKING:
    from contract.flow import Step


@dataclass(frozen=True)
class WhereCheck:
    """Looks at the documents for each step that chooses some."""

    filters: dict[KeyPath, DocumentFilter]
    """Key path of the step's `where` -> what fits it."""
    date_field: str | None

    @classmethod
    def of(cls, flow: ValidatedFlow, corpus: SearchableStorage) -> WhereCheck:
        """The check of the flow's steps."""
        steps: list[tuple[KeyPath, Step]] = [
            (one.path, one.node) for one in walk_nodes(flow.spec, flow.path) if hasattr(one.node, "agent")
        ]  # type: ignore[reportAssignmentType]
        found = {(*path, "parameters", WHERE): where for path, step in steps if (where := where_of(step))}
        return cls({path: DocumentFilter(where) for path, where in found.items()}, corpus.date_field)

    def add(self, record: Record) -> None:
        """Looks at one document."""
        date, title = publication_date(record, self.date_field), record.title or record.record_id
        document = Document(record.record_id, title, date, record.uri, record.metadata)
        for found in self.filters.values():
            found.add(document)

    def report(self, preview: Preview, diagnostics: Diagnostics) -> None:
        """Reports conditions that fit no document; as a notice if later documents may fit. Says how many remain."""
        for path, found in self.filters.items():
            if preview.more:
                for name in found.unknown_names():
                    diagnostics.add_notice(f"{name} in the first {preview.rows:,}; the run looks at all of them")
                diagnostics.add_notice(f"only documents are searched where {where_words(found.where)}")
                continue
            problems = found.problems()
            for one in problems:
                diagnostics.add_at((*path, one.name), f"`where`: {one.what}", nearest=one.nearest, todo=one.todo)
            if not problems:
                diagnostics.add_notice(found.summary())
