"""The demonstration model in the package, which needs no key, no download and no prompt.

It reads `ModelRequest.material` and not the messages. One handler for each output type answers. A reply consists of
the words of the material: the model quotes, compares and abstains, but composes nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from agents.llms.embedded import coding, judging, verdicts
from agents.llms.embedded.reference_words import read_in_context
from agents.llms.embedded.research import research
from agents.llms.embedded.similarity import Similarity, shared_similarity
from agents.llms.embedded.step_choice import choose_step, follow_up
from agents.llms.embedded.synthesis import differences, leave_undecided, synthesise
from agents.llms.embedded.tool_turn import next_turn
from contract import models
from contract.base import Frozen, digest
from contract.calls import ModelReply, ModelRequest, Usage
from contract.errors import ModelRejected

CODE_VERSION = "9"
"""Incremented when the reply to the same material changes."""

Handler = Callable[[Mapping[str, Any], Similarity, models.EmbeddedModel], Frozen]


def _research(material: Mapping[str, Any], similarity: Similarity, _: models.EmbeddedModel) -> Frozen:
    return synthesise(material) if "answers" in material else research(material, similarity)


def _judge(material: Mapping[str, Any], similarity: Similarity, config: models.EmbeddedModel) -> Frozen:
    if "answers" in material:
        return verdicts.synthesise(material)
    return judging.judge(material, similarity, config.judges_by)


def _code(material: Mapping[str, Any], similarity: Similarity, config: models.EmbeddedModel) -> Frozen:
    if "answers" in material:
        return coding.synthesise_codes(material)
    return coding.code(material, similarity, config.judges_by)


def _differences(material: Mapping[str, Any], _similarity: Similarity, _config: models.EmbeddedModel) -> Frozen:
    of_verdicts = any("verdict" in answer for answer in material["answers"])
    return verdicts.differences(material) if of_verdicts else differences(material)


HANDLERS: Mapping[str, Handler] = {
    "ResearchDraft": _research,
    "HostChoice": lambda material, _similarity, _config: choose_step(material),
    "DifferencesDraft": _differences,
    "JudgeReasons": _judge,
    "CodebookReply": _code,
    "QualResults": lambda material, similarity, _config: verdicts.score_reasons(material, similarity),
    "ToolTurn": lambda material, similarity, _config: next_turn(material, similarity),
    "ConcernDraft": lambda material, _similarity, _config: verdicts.raise_concern(material),
    "FollowUpDraft": lambda material, _similarity, _config: follow_up(material),
    "QuestionInContextDraft": lambda material, _similarity, _config: read_in_context(material),
    "ResolutionDraft": lambda material, _similarity, _config: leave_undecided(material),
}
"""Name of an output type -> the handler that writes it."""


class Embedded:
    """Implements `agents.llms.model.Model`. Many tasks may use one instance at the same time."""

    sees_images = False
    reads_material = True

    def __init__(self, name: str, config: models.EmbeddedModel, similarity: Similarity | None = None) -> None:
        """Loads nothing before the first request."""
        self._name = name
        self._similarity = similarity or shared_similarity()
        self._config = config

    @property
    def name(self) -> str:
        """The name that a study uses for it."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """Digest of the configuration, the version of the handlers and the embedding model."""
        return digest([self._config.fingerprint, CODE_VERSION, self._similarity.fingerprint])

    async def complete(self, request: ModelRequest) -> ModelReply:
        """Returns the reply of the handler, as JSON.

        Raises ModelRejected for an output type without a handler and for material that lacks an input of the handler,
        and MissingInput for a criterion or a record that cannot be judged.
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
            # In a thread, so that other cells run while this one computes.
            output = await asyncio.to_thread(handler, material, self._similarity, self._config)
        except KeyError as error:
            raise ModelRejected(f"the embedded model '{self._name}' was not given {error} to work from") from error
        text = output.model_dump_json()
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
        """Does nothing: there is nothing to close."""
