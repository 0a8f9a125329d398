"""EmbeddedModel: the demonstration model in the package. No key, no download, no prompt.

It reads `ModelRequest.material` and not the messages, and answers by handlers, one for each output type. What it
says is made of its material's own words: it quotes, compares and abstains, but composes nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from agents.llms.embedded import judging, verdicts
from agents.llms.embedded.research import research
from agents.llms.embedded.similarity import Similarity, shared_similarity
from agents.llms.embedded.step_choice import choose_step
from agents.llms.embedded.synthesis import differences, synthesise
from contract import models
from contract.base import Frozen, digest
from contract.calls import ModelReply, ModelRequest, Usage
from contract.errors import ModelRejected

CODE_VERSION = "4"
"""Raised when the same material would now be answered otherwise."""

Handler = Callable[[Mapping[str, Any], Similarity, models.EmbeddedModel], Frozen]


def _research(material: Mapping[str, Any], similarity: Similarity, _: models.EmbeddedModel) -> Frozen:
    return synthesise(material) if "answers" in material else research(material, similarity)


def _judge(material: Mapping[str, Any], similarity: Similarity, config: models.EmbeddedModel) -> Frozen:
    if "answers" in material:
        return verdicts.synthesise(material)
    return judging.judge(material, similarity, config.judges_by)


def _differences(material: Mapping[str, Any], _similarity: Similarity, _config: models.EmbeddedModel) -> Frozen:
    of_verdicts = any("verdict" in answer for answer in material["answers"])
    return verdicts.differences(material) if of_verdicts else differences(material)


HANDLERS: Mapping[str, Handler] = {
    "ResearchDraft": _research,
    "UnifiedRequest": lambda material, _likeness, _config: choose_step(material),
    "DifferencesDraft": _differences,
    "JudgeReasons": _judge,
    "QualResults": lambda material, likeness, _config: verdicts.score_reasons(material, likeness),
    "ConcernDraft": lambda material, _likeness, _config: verdicts.raise_concern(material),
}
"""Output type -> what makes it."""


class Embedded:
    """Implements `agents.llms.model.Model`. One instance may be used by many tasks at once."""

    sees_images = False
    reads_material = True

    def __init__(self, name: str, config: models.EmbeddedModel, similarity: Similarity | None = None) -> None:
        """Loads nothing until it is asked."""
        self._name = name
        self._similarity = similarity or shared_similarity()
        self._config = config

    @property
    def name(self) -> str:
        """The name that a study uses for it."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """Digest of configuration, handlers' version and embedding model."""
        return digest([self._config.fingerprint, CODE_VERSION, self._similarity.fingerprint])

    async def complete(self, request: ModelRequest) -> ModelReply:
        """The handler's answer as JSON. Raises ModelRejected for an output type that has no handler, or for
        material that lacks what the handler needs, and MissingInput for a criterion or record that it cannot judge.
        """
        handler = HANDLERS.get(request.output_name or "")
        if handler is None:
            raise ModelRejected(
                f"the embedded model '{self._name}' cannot write {request.output_name or 'free text'}; it can write "
                f"{', '.join(HANDLERS)}. Choose a hosted or local model for this step, for example `llms=lite`"
            )
        started = datetime.now(UTC)
        material: Any = json.loads(request.model_dump_json(include={"material"}))["material"]
        try:
            # In a thread, so that other cells go on while this one computes.
            made = await asyncio.to_thread(handler, material, self._similarity, self._config)
        except KeyError as error:
            raise ModelRejected(f"the embedded model '{self._name}' was not given {error} to work from") from error
        text = made.model_dump_json()
        return ModelReply(
            text=text,
            parsed=json.loads(text),
            usage=Usage(),
            cost_usd=Decimal(0),
            served_by=f"embedded {self._config.version}.{CODE_VERSION}",
            quality="demonstration",
            started=started,
            ended=datetime.now(UTC),
        )

    async def aclose(self) -> None:
        """Nothing to give back."""
