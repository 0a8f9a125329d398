"""What of a hosted model's service differs from one server to the next, and is set in the model's configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator

from contract.base import Frozen, FrozenMap

Structured = Literal["schema", "json", "tool", "prompt"]
"""How a reply's structure is asked for. schema: the service keeps the reply within the JSON schema; json: it promises
JSON, and the schema stands in the prompt; tool: the schema is that of a tool's arguments; prompt: the prompt alone."""
Thinking = Literal["off", "low", "medium", "high"]
SettingName = Literal["temperature", "top_p", "seed"]

_RESERVED = frozenset(
    (
        *("model", "messages", "contents", "input", "system", "stream", "n"),
        *("response_format", "output_format", "output_config", "tools", "tool_choice", "functions"),
        *("max_tokens", "max_completion_tokens", "temperature", "top_p", "seed", "reasoning_effort"),
        *("api_base", "api_version", "base_url", "user_config", "model_list", "fallbacks"),
    )
)
_SECRET_NAME = re.compile(r"(?i)key|secret|passw|auth|cookie|credential|(?<!_)token(?!s|_|iz)")
_OWN_HEADERS = frozenset({"host", "content-length", "content-type", "transfer-encoding", "connection"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,80}")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]{0,500}")


def _yaml_off(value: Any) -> Any:
    """`off`, which YAML reads as false where it stands without quotation marks."""
    return "off" if value is False else value


class ServiceOptions(Frozen):
    """The options of a hosted model's service. Those that are not set are in no fingerprint."""

    structured: Structured | None = Field(default=None, exclude_if=lambda value: value is None)
    """How a reply's structure is asked for; None takes what the model is known for. Where the service refuses it, the
    next simpler way is tried."""
    thinking: Annotated[Thinking | None, BeforeValidator(_yaml_off)] = Field(
        default=None, exclude_if=lambda value: value is None
    )
    """How much the model thinks before it answers; None leaves it to the service."""
    unsupported: tuple[SettingName, ...] = Field(default=(), exclude_if=lambda value: not value)
    """Settings that this model does not take, and that are never sent to it."""
    token_limit_name: Literal["max_tokens", "max_completion_tokens"] | None = Field(
        default=None, exclude_if=lambda value: value is None
    )
    """What the service calls the token limit, in OpenAI's protocol; None takes what is usual for the provider."""
    extra_body: FrozenMap = Field(default_factory=dict, validate_default=True, exclude_if=lambda value: not value)
    """Further fields of each request's body, for gateways and servers of one's own."""
    extra_headers: Mapping[str, str] = Field(default_factory=dict, exclude_if=lambda value: not value)
    """Further headers of each request."""

    @field_validator("extra_body")
    @classmethod
    def _check_extra_body(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        for name in value:
            if name in _RESERVED:
                raise ValueError(
                    f"holds '{name}', which a request has already, or which no study may set; leave it out"
                )
        if secret := _secret_name(value):
            raise ValueError(f"holds '{secret}', which a run would write into its files; use `api_key_env` for keys")
        return value

    @field_validator("extra_headers")
    @classmethod
    def _check_extra_headers(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        for name, content in value.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(content):
                raise ValueError(f"'{name[:80]}' is no header of one line; its name is letters, digits and hyphens")
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"holds '{name}', which every request has already; leave it out")
            if _SECRET_NAME.search(name):
                raise ValueError(f"holds '{name}', which a run would write into its files; use `api_key_env` for keys")
        return value


def _secret_name(value: Any) -> str | None:
    """The first name at any depth that is one of a key or a password."""
    if isinstance(value, Mapping):
        pairs: Mapping[str, Any] = value  # type: ignore[reportUnknownVariableType]
        return next((name for name, inner in pairs.items() if _SECRET_NAME.search(name) or _secret_name(inner)), None)
    if isinstance(value, list | tuple):
        items: list[Any] = list(value)  # type: ignore[reportUnknownArgumentType]
        return next((found for item in items if (found := _secret_name(item))), None)
    return None
