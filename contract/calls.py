"""The request that is sent to a language model, and its reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from contract.base import Frozen, FrozenMap, JsonValue, digest
from contract.record import ImagePart
from contract.service_options import Structured

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "refusal", "error"]
"""stop: the model ended by itself; length: cut at the token limit; refusal: it or its filter declined; error: the
service failed while writing, and billed what it had written."""


DEFAULT_MAX_TOKENS = 2048


class TextPart(Frozen):
    """A stretch of text in a message."""

    kind: Literal["text"] = "text"
    text: str


class PicturePart(Frozen):
    """A picture in a message; models without sight get its alt text instead."""

    kind: Literal["image"] = "image"
    image: ImagePart


Part = Annotated[TextPart | PicturePart, Field(discriminator="kind")]


class Message(Frozen):
    """One turn. The role is set by the template's author, never by a record's text."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The text parts, joined without a separator."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


class ModelSettings(Frozen):
    """How a model is to answer. Every field but `max_tokens` is part of the cache key."""

    temperature: float | None = Field(default=None, ge=0, le=2)
    """None leaves it to the provider, which some reasoning models require."""
    top_p: float | None = Field(default=None, gt=0, le=1)
    max_tokens: int = Field(default=DEFAULT_MAX_TOKENS, ge=1, le=200_000)
    """Decides whether a reply is cut, and nothing of a reply that is whole."""
    seed: int | None = None

    def with_defaults(self, defaults: ModelSettings) -> ModelSettings:
        """Returns these settings; each field that is not set here is taken from `defaults`."""
        return defaults.model_copy(update=self.model_dump(exclude_unset=True))


class ModelRequest(Frozen):
    """One call to a model, complete: sending it twice means asking the same thing twice."""

    model: str
    """The name in models.json or conf/models, for example `gemini-flash`."""
    model_fingerprint: str
    """`ModelConfig.fingerprint` of that name: provider, model id, settings, version."""
    messages: tuple[Message, ...] = Field(min_length=1)
    settings: ModelSettings = ModelSettings()
    output_name: str | None = None
    """Name of the output type, for example `ResearchDraft`; None asks for plain text."""
    output_schema: FrozenMap | None = None
    """JSON schema that the reply must fit; None asks for plain text."""
    material: FrozenMap = Field(default_factory=dict, validate_default=True)
    """The values the templates were filled with. Embedded models, which read no prompts, work from it;
    hosted models never see it. Not part of the key for models that read prompts."""
    repeat: int = 0
    """Which repetition of the same question this is; distinguishes repeats in the cache."""

    def cache_key(self, *, reads_material: bool = False) -> str:
        """The digest under which the reply is kept: equal keys mean the same question to the same model.

        The token limit is not in it, so that a higher one asks only for what was cut.
        """
        return self._key_with_material if reads_material else self._key_of_prompt

    def earlier_cache_key(self, *, reads_material: bool = False) -> str:
        """The digest under which version 0.1 kept the reply: with the token limit."""
        return self._digest(self._unkeyed(reads_material), self.settings.max_tokens)

    @cached_property
    def _key_of_prompt(self) -> str:
        return self._digest(self._unkeyed(False), DEFAULT_MAX_TOKENS)

    @cached_property
    def _key_with_material(self) -> str:
        return self._digest(self._unkeyed(True), DEFAULT_MAX_TOKENS)

    @staticmethod
    def _unkeyed(reads_material: bool) -> set[str]:
        return {"model"} if reads_material else {"model", "material"}

    def _digest(self, without: set[str], max_tokens: int) -> str:
        dumped = self.model_dump(mode="json", exclude=without)
        dumped["settings"]["max_tokens"] = max_tokens
        return digest(dumped)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copies as Pydantic does; the copy computes its own cache keys."""
        copy = super().model_copy(update=update, deep=deep)
        for cached in ("_key_of_prompt", "_key_with_material"):
            vars(copy).pop(cached, None)
        return copy


class Usage(Frozen):
    """Tokens as the provider counts them."""

    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cached_input_tokens: int = Field(default=0, ge=0)
    """Part of `input_tokens` that the provider served from its own prompt cache."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_input_tokens=self.cached_input_tokens + other.cached_input_tokens,
        )


class ModelReply(Frozen):
    """What came back from one call."""

    text: str
    """The raw reply, untouched; the JSON text where a schema was asked for."""
    parsed: JsonValue = None
    """The reply as JSON where a schema was asked for and the text is JSON; not yet validated."""
    finish_reason: FinishReason = "stop"
    finish_detail: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """The provider's own word for a reason other than stop, for example `MALFORMED_FUNCTION_CALL`."""
    usage: Usage = Usage()
    """Tokens; all 0 where the provider did not count them (`usage_is_known`)."""
    cost_usd: Decimal | None = None
    """US dollars, or None where no price is known. Unknown is never 0; a free local model is 0."""
    served_by: str | None = None
    """The exact model version that the provider says answered."""
    sent: FrozenMap | None = Field(default=None, exclude_if=lambda value: value is None)
    """The settings that went over the wire: temperature, top_p, max_tokens, seed, thinking. None where nothing was
    sent, and in replies of version 0.1, which did not note it."""
    structured: Structured | None = Field(default=None, exclude_if=lambda value: value is None)
    """How the structure was asked for, where the service refused the way that the model is configured with."""
    paid_by: str | None = Field(default=None, exclude_if=lambda value: value is None)
    """Who paid for it, where the provider bills it: a run, a slash, and the attempt of that run."""
    quality: Literal["full", "demonstration"] = "full"
    started: datetime
    ended: datetime
    from_cache: bool = Field(default=False, exclude=True)
    """True where this reply was paid for by another call. Never dumped: a kept reply is a paid one."""

    @property
    def paid_by_run(self) -> str:
        """The run that paid for it; empty where that is not known."""
        return (self.paid_by or "").partition("/")[0]

    @property
    def paid_by_attempt(self) -> str:
        """The attempt of the run that paid for it; empty where that is not known."""
        return (self.paid_by or "").partition("/")[2]

    @property
    def usage_is_known(self) -> bool:
        """False where the provider did not count the tokens. A model that costs nothing has nothing to count."""
        return self.usage != Usage() or self.cost_usd is not None


class ModelCall(Frozen):
    """One call as the trace keeps it: the exact messages and the raw reply, or the error."""

    key: str
    messages: tuple[Message, ...]
    reply: ModelReply | None = None
    error: str | None = None
    """Why the reply could not be used (a validation error), or why there is none."""
    from_cache: bool = False
    """True where the reply was paid for earlier and only read again."""
    given_up: bool = Field(default=False, exclude_if=lambda value: not value)
    """True where there is no reply because the time for it was over, and the agent went on without it."""


def json_schema_of(model: type[BaseModel]) -> dict[str, JsonValue]:
    """The JSON schema of a Pydantic model, as sent to providers."""
    return json.loads(_schema_text(model))


@cache
def _schema_text(model: type[BaseModel]) -> str:
    # Cached as text, so that each caller gets a schema of its own and may change it.
    return json.dumps(model.model_json_schema())
