"""Requests to the embedded model, made as agents make them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from agents.evidence.labels import labelled_passages
from agents.llms.model import Model
from contract.calls import Message, ModelReply, ModelRequest, TextPart
from contract.findings import Passage, ResearchDraft


async def ask(model: Model, output_name: str | None, material: dict[str, Any]) -> ModelReply:
    """One call with that material."""
    return await model.complete(
        ModelRequest(
            model=model.name,
            model_fingerprint=model.fingerprint,
            messages=(Message(role="user", parts=(TextPart(text="not read"),)),),
            output_name=output_name,
            material=json.loads(json.dumps(material)),
        )
    )


async def research(model: Model, question: str, passages: Sequence[Passage]) -> ResearchDraft:
    """The draft for a question and passages."""
    reply = await ask(model, "ResearchDraft", research_material(question, passages))
    return ResearchDraft.model_validate_json(reply.text)


def research_material(question: str, passages: Sequence[Passage]) -> dict[str, Any]:
    """What a researcher's model is given."""
    return {"question": question, "passages": labelled_passages(passages), "missing": []}
