"""Prices: what a call can cost at the most, known before it is made."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

from contract.calls import ModelRequest, TextPart, Usage
from contract.models import HostedModel, ModelConfig, Price

MILLION = Decimal(1_000_000)
TOKENS_PER_IMAGE = 10_000
"""More than any provider counts for one picture at its highest detail."""
OVERHEAD_TOKENS = 200
"""For what the protocols put around messages."""


def price_of(config: ModelConfig) -> Price | None:
    """US dollars per million tokens: the configured price, else the public list's; None where neither knows one.

    Models of one's own machine cost nothing.
    """
    if config.kind != "hosted":
        return Price(input_per_mtok=Decimal(0), output_per_mtok=Decimal(0))
    return config.price or _list_price(config.provider, config.model_id, own_server=_is_self_hosted(config))


def worst_case(price: Price, config: ModelConfig, request: ModelRequest) -> Decimal:
    """US dollars that the call cannot exceed: a token is at least one byte, and the reply stops at its token limit."""
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
    # A server of one's own may give its model a name that happens to be on the list.
    return config.provider == "openai-compatible"


@cache
def _list_price(provider: str, model_id: str, *, self_hosted: bool) -> Price | None:
    if self_hosted:
        return None
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    try:
        asked, answered = (
            calc_price(tokens, model_ref=model_id, provider_id=_PROVIDER_IDS.get(provider, provider)).total_price
            for tokens in (Tokens(input_tokens=1_000_000), Tokens(output_tokens=1_000_000))
        )
    except (LookupError, ValueError, AssertionError):
        return None
    return Price(input_per_mtok=asked, output_per_mtok=answered)


_PROVIDER_IDS = {"google-vertex": "google"}
