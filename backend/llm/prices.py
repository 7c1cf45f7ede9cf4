"""What a call cost, where the provider does not say so itself."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from backend.llm.types import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    tokens_in: float
    tokens_out: float


class PricesInvalid(ValueError):
    """LLM_PRICES is not of the form `provider:model=IN/OUT,…`."""


def read_prices(text: str) -> Mapping[str, Price]:
    """The prices of `provider:model=IN/OUT,…`, by `provider:model`. Raises `PricesInvalid`."""
    prices = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        model, _, price = entry.rpartition("=")
        try:
            tokens_in, tokens_out = map(float, price.split("/"))
        except ValueError:
            tokens_in = tokens_out = math.nan
        if not (model and 0 <= tokens_in < math.inf and 0 <= tokens_out < math.inf):
            raise PricesInvalid(f"LLM_PRICES: {entry!r} is not provider:model=IN/OUT")
        prices[model] = Price(tokens_in, tokens_out)
    return prices


def priced(usage: Usage, price: Price | None) -> Usage:
    """The usage with its cost: the provider's own word first; unknown stays unknown."""
    if usage.cost is not None or price is None or usage.tokens_in is None or usage.tokens_out is None:
        return usage
    cost = (usage.tokens_in * price.tokens_in + usage.tokens_out * price.tokens_out) / 1_000_000
    return replace(usage, cost=cost)
