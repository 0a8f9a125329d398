"""Which model makes the vectors of a corpus, and the note beside an index of which one did.

An index is of one model: vectors of two cannot be compared. The name of an index holds the model's fingerprint, so
that no search mixes them; the note is there to say so, before a corpus is embedded a second time unasked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from contract.base import digest
from contract.errors import StorageError
from contract.models import HostedModel, ModelConfig
from contract.storage import SearchableStorage
from flows.corpus.passage_store import Embedder
from flows.corpus.source_state import source_identity
from flows.files.atomic import write_json


class NamedEmbedder(Embedder, Protocol):
    """An embedder that people can be told of."""

    @property
    def name(self) -> str:
        """The model as people call it."""
        ...


def embedder_of(config: SearchableStorage, models: Mapping[str, ModelConfig]) -> NamedEmbedder:
    """The model that the corpus names, or the one in the package. Raises StorageError for one that makes no vectors."""
    if config.embedding is None:
        from agents.llms.minilm import MiniLM

        return MiniLM()
    from agents.llms.hosted.embedder import HostedEmbedder

    model = models.get(config.embedding.model)
    if not isinstance(model, HostedModel):
        raise StorageError(f"'{config.label}': the model '{config.embedding.model}' makes no vectors")
    return HostedEmbedder(config.embedding.model, model, config.embedding)


@dataclass(frozen=True)
class EmbeddingNote:
    """The note of which model an index on this machine was made with."""

    path: Path

    @classmethod
    def of(cls, config: SearchableStorage, folder: Path) -> EmbeddingNote:
        """The note of the corpus, in the folder of the indexes."""
        place = getattr(config, "path", None)
        source = [source_identity(config.source), str(getattr(config.source, "path", None)), place]
        return cls(folder / f"{digest([config.label, source])[:16]}.embedding.json")

    def check(self, embedder: NamedEmbedder, label: str) -> None:
        """Raises StorageError where the index is of another model, or of another version of it."""
        noted = self._read()
        if noted and noted.get("fingerprint") != embedder.fingerprint:
            same = noted.get("model") == embedder.name
            version, now = ("another version of ", "this one") if same else ("", embedder.name)
            raise StorageError(
                f"the index of '{label}' was made with {version}the embedding model {noted.get('model')}, and now "
                f"{now} is configured; vectors of the two cannot be compared. Name the former model again in "
                "`embedding:` of the storage, or embed the corpus anew: python -m flows ingest reembed=true, and the "
                "flow as before"
            )

    def write(self, embedder: NamedEmbedder) -> None:
        """Notes the model; called once the index is whole."""
        found = {"model": embedder.name, "fingerprint": embedder.fingerprint}
        if self._read() != found:
            write_json(self.path, found)

    def _read(self) -> dict[str, Any]:
        try:
            found: Any = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
