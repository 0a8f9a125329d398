"""Notes that a corpus or a question is in a language that the vectors in the package do not know."""

from __future__ import annotations

from collections.abc import Mapping

from contract.base import JsonValue
from contract.flow import FlowSpec
from contract.record import Record
from contract.storage import SearchableStorage, StorageConfig
from flows.check.preview import Preview
from flows.config.diagnostics import Diagnostics
from flows.corpus.languages import CorpusLanguages, question_note


class LanguageCheck:
    """Looks at the first documents of a corpus."""

    def __init__(self, name: str) -> None:
        """`name` is that of the corpus."""
        self._name = name
        self._found = CorpusLanguages()

    def add(self, record: Record) -> None:
        """Looks at one document."""
        self._found.add(record)

    def report(self, preview: Preview, diagnostics: Diagnostics) -> None:  # noqa: ARG002
        """Notes languages that the vectors do not know."""
        if note := self._found.note():
            diagnostics.add_result_notice(f"'{self._name}': {note}")


def note_question(
    flow: FlowSpec, values: Mapping[str, JsonValue], storage: Mapping[str, StorageConfig], diagnostics: Diagnostics
) -> None:
    """Notes that the question is in a language that the vectors of its corpus do not know."""
    corpus = storage.get(flow.corpus or "")
    root, _, name = flow.records.partition(".")
    question = values.get(name) if root == "parameters" else None
    if not isinstance(corpus, SearchableStorage) or corpus.embedding is not None or not isinstance(question, str):
        return
    if note := question_note(question):
        diagnostics.add_result_notice(note)
