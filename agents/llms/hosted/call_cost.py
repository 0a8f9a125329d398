"""Reads how many tokens a call used, and computes what it cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pydantic_ai.messages import ModelResponse

from agents.llms.prices import cost_of
from contract.calls import Usage
from contract.models import HostedModel

_MAX_TOKENS = 10**9
"""More tokens than any call can use: a larger number is a mistake of the service, and no count."""


def response_usage(response: ModelResponse, text: str) -> Usage:
    """The tokens that the provider counted for the reply `text`; all 0 where it did not count them.

    A request has at least one token, and so has a reply with a text. Where one of the two is missing, null, negative or
    absurd, neither is believed.
    """
    counted = response.usage
    least_output = 1 if text else 0
    if not (1 <= counted.input_tokens <= _MAX_TOKENS and least_output <= counted.output_tokens <= _MAX_TOKENS):
        return Usage()
    return Usage(
        input_tokens=counted.input_tokens,
        output_tokens=counted.output_tokens,
        cached_input_tokens=min(max(counted.cache_read_tokens, 0), counted.input_tokens),
    )


def response_cost(response: ModelResponse, usage: Usage, config: HostedModel) -> Decimal | None:
    """US dollars for `usage`: by the configured price, else by the public list, else None.

    None too if the provider counted no tokens. Without a configured price it is also None for a user's own server,
    whose model name may be on the list by chance. A configured price ignores the provider's discount for cached input.
    """
    if usage == Usage():
        return None
    if config.price:
        return cost_of(config.price, usage)
    if config.provider == "openai-compatible":
        return None
    # Providers name the dated version that served the call. The list may not have it yet.
    return _list_price(response) or _list_price(replace(response, model_name=config.model_id))


def _list_price(response: ModelResponse) -> Decimal | None:
    try:
        return response.cost().total_price
    except (LookupError, ValueError, AssertionError):
        return None
