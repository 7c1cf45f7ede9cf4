"""What a call cost: the provider's word, else the administrator's prices, else unknown."""

import pytest

from backend.llm import Usage
from backend.llm.prices import Price, PricesInvalid, priced, read_prices


def test_prices_are_read_by_provider_and_model() -> None:
    prices = read_prices("openai:gpt-5-mini=0.25/2.00, openrouter:google/gemma:free=0/0,ollama:a=b=1/2,")
    assert prices == {
        "openai:gpt-5-mini": Price(0.25, 2),
        "openrouter:google/gemma:free": Price(0, 0),
        "ollama:a=b": Price(1, 2),
    }


def test_no_prices_are_none() -> None:
    assert read_prices("") == {}


@pytest.mark.parametrize(
    "entry", ["openai:gpt-5", "openai:gpt-5=1", "openai:gpt-5=a/b", "=1/2", "x=1/2/3", "x=-1/2", "x=nan/1", "x=1/inf"]
)
def test_a_price_that_cannot_be_read_is_said(entry: str) -> None:
    with pytest.raises(PricesInvalid, match="is not provider:model=IN/OUT"):
        read_prices(f"openai:gpt-5-mini=0.25/2.00,{entry}")


def test_a_price_is_for_a_million_tokens() -> None:
    assert priced(Usage(1_000_000, 500_000), Price(0.25, 2)) == Usage(1_000_000, 500_000, cost=1.25)


def test_the_provider_knows_best() -> None:
    assert priced(Usage(10, 10, cost=0.5), Price(1, 1)).cost == 0.5


@pytest.mark.parametrize("usage", [Usage(), Usage(tokens_in=1), Usage(tokens_out=1)])
def test_what_is_not_known_stays_unknown(usage: Usage) -> None:
    assert priced(usage, Price(1, 1)) == usage
    assert priced(Usage(1, 1), None).cost is None
