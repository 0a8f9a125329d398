"""Prices: the most that a call can cost, computed before the call is made."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from contract.calls import ModelRequest, TextPart, Usage
from contract.models import HostedModel, ModelConfig, Price

MILLION = Decimal(1_000_000)
TOKENS_PER_IMAGE = 10_000
"""Tokens for one picture: more than any provider counts at its highest detail."""
OVERHEAD_TOKENS = 200
"""Tokens for what the protocols add to the messages."""


def price_of(config: ModelConfig) -> Price | None:
    """US dollars per million tokens: the configured price, else the price of the public list, else None.

    Models that run on the user's own machine cost nothing.
    """
    if config.kind != "hosted":
        return Price(input_per_mtok=Decimal(0), output_per_mtok=Decimal(0))
    return config.price or _list_price(config.provider, config.model_id, self_hosted=_is_self_hosted(config))


def worst_case(price: Price, config: ModelConfig, request: ModelRequest) -> Decimal:
    """US dollars that the call cannot exceed: a token is at least one byte, and the reply ends at its token limit."""
    limit = request.settings.with_defaults(config.settings).max_tokens
    return cost_of(price, Usage(input_tokens=_max_input_tokens(request), output_tokens=limit))


def cost_of(price: Price, usage: Usage) -> Decimal:
    """US dollars for that many tokens."""
    return (usage.input_tokens * price.input_per_mtok + usage.output_tokens * price.output_per_mtok) / MILLION


def _max_input_tokens(request: ModelRequest) -> int:
    tokens = OVERHEAD_TOKENS + len(str(request.output_schema or "").encode())
    for message in request.messages:
        for part in message.parts:
            tokens += len(part.text.encode()) if isinstance(part, TextPart) else TOKENS_PER_IMAGE
    return tokens


def _is_self_hosted(config: HostedModel) -> bool:
    # The model on a user's own server may have a name that is on the list by chance.
    return config.provider == "openai-compatible"


@cache
def _list_price(provider: str, model_id: str, *, self_hosted: bool) -> Price | None:
    if self_hosted:
        return None
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    try:
        input_price, output_price = (
            calc_price(tokens, model_ref=model_id, provider_id=_PROVIDER_IDS.get(provider, provider)).total_price
            for tokens in (Tokens(input_tokens=1_000_000), Tokens(output_tokens=1_000_000))
        )
    except (LookupError, ValueError, AssertionError):
        return None
    return Price(input_per_mtok=input_price, output_per_mtok=output_price)


_PROVIDER_IDS = {"bedrock": "aws", "google-vertex": "google"}
