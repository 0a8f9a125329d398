"""Asks each model of a study for one smallest reply, and says what it can do: `check live=true`.

What a configuration promises, only a call can show: that the key is accepted, that the name is known, and that a reply
comes in the form that was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contract.base import JsonValue
from contract.calls import Message, ModelReply, ModelRequest, ModelSettings, TextPart
from contract.errors import ModelError
from contract.models import HostedModel, ModelConfig
from flows.config.diagnostics import join_names
from flows.spec.nodes import steps_of
from flows.spec.study import Study

_QUESTION = Message(role="user", parts=(TextPart(text="Is water wet? Answer yes or no."),))
_SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class LiveResult:
    """What one call to a model showed."""

    model: str
    works: bool
    text: str


def asked_models(studies: Sequence[Study]) -> dict[str, HostedModel]:
    """The hosted models that steps of the studies name, by name."""
    found = dict[str, ModelConfig]()
    for study in studies:
        for step in steps_of(study.flow).values():
            named = [*step.variants.get("model", ()), step.parameters.get("model")]
            found |= {str(name): study.models[str(name)] for name in named if str(name) in study.models}
    return {name: config for name, config in found.items() if isinstance(config, HostedModel)}


async def ask_models(models: Mapping[str, HostedModel]) -> list[LiveResult]:
    """Calls every model once, all at the same time; a service that refuses the form is asked in simpler ways, too."""
    return list(await asyncio.gather(*(_ask(name, config) for name, config in models.items())))


async def _ask(name: str, config: HostedModel) -> LiveResult:
    from agents.llms.factory import build_model

    model = build_model(name, config)
    # With the model's own limit of tokens: a smaller one may leave no room for its thinking, and a run sends this one.
    request = ModelRequest(
        model=name, model_fingerprint=config.fingerprint, messages=(_QUESTION,), settings=ModelSettings(),
        output_name="Reply", output_schema=_SCHEMA,
    )  # fmt: skip
    try:
        reply = await model.complete(request)
    except ModelError as error:
        return LiveResult(name, False, str(error))
    finally:
        await model.aclose()
    works = isinstance(reply.parsed, Mapping) and "answer" in reply.parsed
    return LiveResult(name, works, _described(name, config, reply, works=works))


def _described(name: str, config: HostedModel, reply: ModelReply, *, works: bool) -> str:
    version = f" by {reply.served_by}" if reply.served_by else ""
    if works:
        form = "replies in the form that is asked for"
    elif reply.finish_reason == "stop":
        form = "does not reply in the form that is asked for; set `structured` to another way"
    else:
        detail = f", {reply.finish_detail}" if reply.finish_detail else ""
        form = f"did not end its reply ({reply.finish_reason}{detail})"
    parts = [f"model '{name}' ({config.provider} {config.model_id}) is answered{version} and {form}"]
    if reply.structured:
        refused = "the configured way was refused" if config.structured else "the usual way was refused"
        parts.append(f"asked by `{reply.structured}`, since {refused}")
    if reply.sent:
        parts.append(f"takes {join_names(sorted(reply.sent))}")
    parts.append(_counts(reply))
    return "; ".join(parts)


def _counts(reply: ModelReply) -> str:
    if not reply.usage_is_known:
        return "does not count its tokens"
    cost = "the price is not known" if reply.cost_usd is None else f"US$ {reply.cost_usd.normalize():f}"
    return f"{reply.usage.input_tokens} + {reply.usage.output_tokens} tokens, {cost}"
