"""HostedEmbedder: vectors from a service that speaks OpenAI's protocol (`/v1/embeddings`), through pydantic-ai.

    vectors = HostedEmbedder("small", config, EmbeddingSettings(model="small")).embed(["a text", "another"])

The service may be on this machine (Ollama, vLLM, llama.cpp, LM Studio) or a provider's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from contract.base import digest
from contract.embedding import EmbeddingSettings
from contract.errors import ModelError, ModelTimeout, ReplyBroken, StorageError, Transient
from contract.models import HostedModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_TRIES = 6
_LONGEST_WAIT_SECONDS = 60.0


class HostedEmbedder:
    """One embedding model of a service. It may be used from several threads; each call opens its own connection."""

    def __init__(self, name: str, config: HostedModel, settings: EmbeddingSettings) -> None:
        """Sends nothing yet."""
        self._name = name
        self._config = config
        self._settings = settings

    @property
    def name(self) -> str:
        """The model as its provider calls it, and who provides it."""
        length = f", {self._settings.dimensions} numbers" if self._settings.dimensions else ""
        return f"{self._config.model_id} ({self._config.provider}{length})"

    @property
    def fingerprint(self) -> str:
        """Digest of all that the vectors depend on, as far as a service says it: not of its address, nor of its key."""
        settings = self._settings.model_dump(mode="json", include={"dimensions", "query_prefix", "passage_prefix"})
        return digest(["hosted", self._config.provider, self._config.model_id, settings])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 for each passage, in order. Raises StorageError, in plain words without a secret."""
        return self._vectors([self._settings.passage_prefix + text for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The same for questions."""
        return self._vectors([self._settings.query_prefix + text for text in texts])

    def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        step = self._settings.batch
        rows = [row for start in range(0, len(texts), step) for row in self._ask(texts[start : start + step])]
        vectors = np.asarray(rows, dtype=np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True) if vectors.ndim == 2 else None
        if lengths is None or not np.isfinite(vectors).all() or not lengths.all():
            raise StorageError(f"the embedding model '{self._name}' gave what are no vectors of one length")
        return vectors / lengths

    def _ask(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        for tried in range(1, _MOST_TRIES + 1):
            try:
                found = asyncio.run(self._request(texts))
            except Transient as error:
                if tried == (2 if isinstance(error, ReplyBroken) else _MOST_TRIES):
                    raise StorageError(f"{error}; what is embedded so far is kept") from None
                # The service says for how long, or is given twice as long each time.
                time.sleep(min(getattr(error, "retry_after", None) or 2.0 ** (tried - 1), _LONGEST_WAIT_SECONDS))
            except ModelError as error:
                raise StorageError(f"{error}; what is embedded so far is kept") from None
            else:
                if len(found) != len(texts):
                    raise StorageError(f"the embedding model '{self._name}' gave {len(found)} vectors for {len(texts)}")
                return found
        raise AssertionError("unreachable: the last try returns or raises")

    async def _request(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        from agents.llms.hosted.clients import HttpClients
        from agents.llms.hosted.errors import translate
        from agents.llms.hosted.providers.openai import connect_embeddings

        config = self._config
        secret = config.api_key.get_secret_value() if config.api_key else None
        clients = HttpClients()
        try:
            url = str(config.base_url).rstrip("/") if config.base_url else None
            model: Any = connect_embeddings(config, url, secret, clients.get(config.provider))
            asked = model.embed(list(texts), input_type="document", settings=self._service_settings())
            async with asyncio.timeout(config.limits.timeout_seconds):
                return (await asked).embeddings
        except TimeoutError:
            seconds = config.limits.timeout_seconds
            raise ModelTimeout(f"model '{self._name}' gave no vectors within {seconds:g} s") from None
        except Exception as error:  # whatever the library raises is told in our own words
            raise translate(error, self._name, config, secret) from None
        finally:
            await clients.aclose()

    def _service_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        if self._settings.dimensions:
            settings["dimensions"] = self._settings.dimensions
        if self._config.extra_headers:
            settings["extra_headers"] = dict(self._config.extra_headers)
        return settings
