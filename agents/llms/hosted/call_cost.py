"""Computes what a call cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from pydantic_ai.messages import ModelResponse

from contract.calls import Usage
from contract.models import HostedModel

_MILLION = Decimal(1_000_000)


def response_cost(response: ModelResponse, usage: Usage, config: HostedModel) -> Decimal | None:
    """US dollars for `usage`: by the configured price, else by the public list, else None.

    Without a configured price it is also None if the provider counted no tokens, and for a user's own server, whose
    model name may be on the list by chance. A configured price ignores the provider's discount for cached input.
    """
    if config.price:
        price = config.price
        return (usage.input_tokens * price.input_per_mtok + usage.output_tokens * price.output_per_mtok) / _MILLION
    if config.provider == "openai-compatible" or usage == Usage():
        return None
    # Providers name the dated version that served the call. The list may not have it yet.
    return _list_price(response) or _list_price(replace(response, model_name=config.model_id))


def _list_price(response: ModelResponse) -> Decimal | None:
    try:
        return response.cost().total_price
    except (LookupError, ValueError, AssertionError):
        return None
