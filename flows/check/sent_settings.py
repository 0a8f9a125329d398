"""What of the settings of a study's hosted models has another effect than the study says.

The providers' libraries leave some out, which a paper must not name; and thinking takes of the tokens of a reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from contract.calls import ModelSettings
from contract.flow import Step
from contract.models import HostedModel
from flows.config.diagnostics import join_names
from flows.spec.nodes import steps_of
from flows.spec.study import Study

_CHECKED = ("temperature", "top_p", "seed")
_ROOM_TO_THINK = 20_000


def unsent_settings_notes(study: Study) -> list[str]:
    """A sentence for each model and its settings that would not be sent, or whose replies thinking may cut.

    Takes seconds where a model has settings.
    """
    wanted = dict.fromkeys(_wanted_settings(study))
    return asyncio.run(_notes(study, list(wanted))) if wanted else []


_Wanted = tuple[str, tuple[tuple[str, Any], ...], bool]
"""A model, the settings that a step or the model itself gives it, and whether one of them gives a limit of tokens."""


def _wanted_settings(study: Study) -> Iterator[_Wanted]:
    for step in steps_of(study.flow).values():
        for model in _values(step, "model"):
            config = study.models.get(str(model))
            if not isinstance(config, HostedModel):
                continue
            own: Mapping[str, Any] = config.settings.model_dump(include=set(_CHECKED), exclude_none=True)
            own = {**own, "thinking": config.thinking} if config.thinking else own
            is_limited = bool(_values(step, "max_tokens")) or "max_tokens" in config.settings.model_fields_set
            for chosen in product(*([(name, value) for value in _values(step, name)] or [None] for name in _CHECKED)):
                settings = {**own, **dict(pair for pair in chosen if pair and pair[1] is not None)}
                if settings:
                    yield str(model), tuple(sorted(settings.items())), is_limited


def _values(step: Step, name: str) -> list[Any]:
    return [*step.variants.get(name, ())] or ([step.parameters[name]] if name in step.parameters else [])


async def _notes(study: Study, wanted: list[_Wanted]) -> list[str]:
    from agents.llms.hosted.dry_request import settings_on_the_wire

    notes = list[str]()
    for model, settings, is_limited in wanted:
        config = study.models[model]
        assert isinstance(config, HostedModel)  # noqa: S101 only such are wanted
        sent = await settings_on_the_wire(
            config, ModelSettings.model_validate(dict(pair for pair in settings if pair[0] in _CHECKED))
        )
        unsent = [f"{name} {value}" for name, value in settings if name not in sent]
        if sent and unsent:
            notes.append(
                f"the model '{model}' ({config.provider} {config.model_id}) does not take {join_names(unsent)}: it is "
                "not sent, and has no effect"
            )
        if not is_limited and "thinking" in sent and config.thinking != "off":
            notes.append(_short_of_tokens(model, config))
    return list(dict.fromkeys(notes))


def _short_of_tokens(model: str, config: HostedModel) -> str:
    return (
        f"the model '{model}' thinks (`thinking: {config.thinking}`), which counts towards the limit of "
        f"{config.settings.max_tokens} tokens that applies where none is set: replies may be cut, and are paid for; "
        f"give it room, with `settings: {{max_tokens: {_ROOM_TO_THINK}}}` in its configuration"
    )
