"""The declaration of a language model: one discriminated union over the four kinds."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, HttpUrl, SecretStr, field_serializer, field_validator, model_validator

from contract.base import Frozen, digest
from contract.calls import DEFAULT_MAX_TOKENS, ModelSettings
from contract.secrets import SecretName
from contract.service_options import ServiceOptions

AWS_REGION = r"[a-z]{2}(-[a-z]+)+-\d"
_ENDPOINT = re.compile(r"(/chat/completions|/responses|/v1/messages|/models/[^/]+:generateContent)/?$")
"""Ends of addresses that documentation of services prints for one kind of request."""
_SECRET_QUERY_NAME = re.compile(r"(?i)key|token|secret|passw|sig")
_AWS_REGION = re.compile(AWS_REGION)
_VARIABLE_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,79}")
_NO_IDENTITY = {"limits", "api_key", "price", "api_key_env", "api_key_secret", "token_limit_name"}
_MAX_ONE_WORD = 15
"""Characters of a name without an underscore; keys of some services are capitals and digits too, and longer."""


def is_variable_name(text: object) -> bool:
    """Whether a text is the name of an environment variable. Where it is not, it may be a key, and is never shown."""
    return (
        isinstance(text, str)
        and bool(_VARIABLE_NAME.fullmatch(text))
        and ("_" in text.strip("_") or len(text) <= _MAX_ONE_WORD)
    )


def _check_variable_name(value: Any) -> Any:
    if value is not None and not is_variable_name(value):
        raise ValueError(
            "should be the name of an environment variable, in capitals, such as MY_SERVER_KEY; "
            "if the key itself stands here, put it into such a variable, and replace it at the provider's"
        )
    return value


VariableName = Annotated[str, BeforeValidator(_check_variable_name)]
"""The name of an environment variable that holds a key."""


class Limits(Frozen):
    """Limits on the use of a model by this process."""

    concurrency: int = Field(default=8, ge=1, le=500)
    requests_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)
    timeout_seconds: float = Field(default=120, gt=0)


class Price(Frozen):
    """US dollars per million tokens; overrides the public price list."""

    input_per_mtok: Decimal = Field(ge=0)
    output_per_mtok: Decimal = Field(ge=0)


class _Model(Frozen):
    settings: ModelSettings = ModelSettings()
    """The model's own settings; those of a step take precedence."""
    limits: Limits = Limits()
    sees_images: bool = False

    @property
    def fingerprint(self) -> str:
        """Digest of all that decides a whole reply; keys and prices, limits, also that of tokens, are left out.

        So is `sees_images`: whether a picture is sent is part of the messages.
        """
        dumped = self._dump_identity()
        dumped["sees_images"] = False
        dumped["settings"]["max_tokens"] = DEFAULT_MAX_TOKENS
        return digest(dumped)

    @property
    def earlier_fingerprint(self) -> str:
        """The fingerprint in version 0.1, which held the token limit and `sees_images`."""
        return digest(self._dump_identity())

    def _dump_identity(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude=_NO_IDENTITY)


class HostedModel(_Model, ServiceOptions):
    """A model behind a provider's API, or any server that speaks one of their protocols."""

    kind: Literal["hosted"] = "hosted"
    provider: Literal["openai", "anthropic", "google", "google-vertex", "azure", "bedrock", "openai-compatible"]
    model_id: str = Field(min_length=1)
    base_url: HttpUrl | None = None
    """Required for azure and openai-compatible (Ollama, vLLM, LM Studio, llama.cpp)."""
    api_version: str | None = None
    project: str | None = None
    location: str | None = None
    """The region, of Google Vertex or Amazon Bedrock."""
    api_key: SecretStr | None = None
    api_key_env: VariableName | None = None
    """Name of the environment variable that holds the key."""
    api_key_secret: SecretName | None = None
    """Name of the secret that holds the key: `projects/<project>/secrets/<name>`, in Google Secret Manager."""
    price: Price | None = None

    @field_serializer("api_key")
    def _mask_api_key(self, value: SecretStr | None) -> str | None:
        return None if value is None else "**********"

    @field_validator("api_key")
    @classmethod
    def _empty_is_none(cls, value: SecretStr | None) -> SecretStr | None:
        return value if value and value.get_secret_value() else None

    @field_validator("base_url")
    @classmethod
    def _check_base_url(cls, value: HttpUrl | None) -> HttpUrl | None:
        if value is not None and (value.username or value.password):
            raise ValueError("holds a user name or password, which a run would write into its files; use `api_key_env`")
        if value is not None and any(_SECRET_QUERY_NAME.search(name) for name, _ in value.query_params()):
            raise ValueError("holds a key, which a run would write into its files; use `api_key_env`")
        if value is not None and (found := _ENDPOINT.search(value.path or "")):
            end = found[1]
            base = str(value).partition("?")[0].rstrip("/").removesuffix(end)
            raise ValueError(f"ends in `{end}`, which each call adds by itself; write {base}")
        return value

    @model_validator(mode="after")
    def _has_an_address(self) -> HostedModel:
        if self.base_url is None and self.provider in ("azure", "openai-compatible"):
            raise ValueError(f"provider {self.provider} needs `base_url`, the address of the server")
        if self.provider == "bedrock" and not _AWS_REGION.fullmatch(self.location or ""):
            raise ValueError("provider bedrock needs `location`, the region of your models, such as us-east-1")
        return self

    @model_validator(mode="after")
    def _has_options_of_its_protocol(self) -> HostedModel:
        if self.token_limit_name and self.provider not in ("openai", "azure", "openai-compatible"):
            raise ValueError(f"provider {self.provider} has one name for the token limit; leave out `token_limit_name`")
        if self.extra_body and self.provider in ("google", "google-vertex"):
            raise ValueError(f"provider {self.provider} takes no further fields; leave out `extra_body`")
        return self


class LocalModel(_Model):
    """A GGUF file run on this machine (extra `local`)."""

    kind: Literal["local"] = "local"
    path: Path
    context_tokens: int = Field(default=8192, ge=512)
    threads: int | None = Field(default=None, ge=1)


class EmbeddedModel(_Model):
    """The demonstration model in the package: extractive, no key, no download."""

    kind: Literal["embedded"] = "embedded"
    version: str = "1"
    judges_by: Literal["nearest", "average"] = "nearest"
    """How a judge weighs a criterion's examples: by the nearest of each verdict, or by all of them together."""


class ScriptedModel(_Model):
    """Replies from a JSONL file, for tests and replays: one object a line with `match` and `reply`."""

    kind: Literal["scripted"] = "scripted"
    path: Path | None = None
    version: str = "1"


ModelConfig = Annotated[HostedModel | LocalModel | EmbeddedModel | ScriptedModel, Field(discriminator="kind")]


def origin_of_url(address: HttpUrl | str) -> str:
    """Scheme, host and port of an address, as two addresses are compared: where a request, and its key, goes."""
    url = HttpUrl(address) if isinstance(address, str) else address
    usual = {"https": 443, "http": 80}.get(url.scheme)
    port = "" if url.port in (None, usual) else f":{url.port}"
    return f"{url.scheme}://{(url.host or '').lower()}{port}"
