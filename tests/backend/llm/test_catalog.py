"""A chain, as people write it down."""

from collections.abc import Mapping

import pytest
import structlog

from backend.llm.catalog import ChainInvalid, names, read_chain
from tests.simulators.provider import Provider

CLOUD = {"OPENROUTER_API_KEY": "k", "OPENAI_API_KEY": "k", "GROQ_API_KEY": "k", "GEMINI_API_KEY": "k"}
LOCAL = {"OLLAMA_BASE_URL": "http://localhost:11434", "AICHAT_BASE_URL": "http://localhost:8000"}


def read(chain: str, environment: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(provider.name, provider.model) for provider in read_chain(chain, environment)]


def test_a_chain_is_asked_in_the_order_it_is_written() -> None:
    found = read("openrouter:google/gemini-2.5-flash, ollama:llama3.2", CLOUD | LOCAL)
    assert found == [("openrouter", "google/gemini-2.5-flash"), ("ollama", "llama3.2")]


@pytest.mark.parametrize("model", ["qwen2.5:7b", "google/gemini-2.5-flash:free", "hf.co/some/model:Q4_K_M"])
def test_a_models_name_may_hold_colons_and_slashes(model: str) -> None:
    assert read(f"ollama:{model}", LOCAL) == [("ollama", model)]


def test_spaces_commas_and_capitals_do_not_matter() -> None:
    assert read(" , Ollama : llama3.2 ,, ", LOCAL) == [("ollama", "llama3.2")]


def test_without_a_chain_everybody_with_a_key_is_asked_local_ones_first() -> None:
    found = [name for name, _ in read(" ", CLOUD | LOCAL)]
    assert found == ["ollama", "aichat", "openrouter", "openai", "groq", "gemini"]


def test_without_anything_nobody_is_asked() -> None:
    assert read("", {}) == []


def test_a_provider_has_a_usual_model() -> None:
    assert read("openai", CLOUD) == [("openai", "gpt-5-mini")]
    assert read("openai:", CLOUD) == [("openai", "gpt-5-mini")]


def test_a_provider_without_its_key_or_address_is_left_out_with_a_warning() -> None:
    with structlog.testing.capture_logs() as logs:
        assert read("openai:gpt-5,ollama:llama3.2,groq:any", {"GROQ_API_KEY": "k"}) == [("groq", "any")]
    assert [(line["provider"], line["missing"]) for line in logs] == [
        ("openai", "OPENAI_API_KEY"),
        ("ollama", "OLLAMA_BASE_URL"),
    ]


@pytest.mark.parametrize("name", ["mine", "my-own"])
async def test_a_custom_provider_needs_an_address_and_may_have_a_key(provider: Provider, name: str) -> None:
    provider.key = "secret"
    variable = name.upper().replace("-", "_")
    environment = {f"{variable}_BASE_URL": provider.base_url, f"{variable}_API_KEY": " secret "}
    [custom] = read_chain(f"{name}:some/model", environment)
    assert await custom.list_models() == ["simulated"]
    await custom.close()


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
async def test_the_path_of_an_address_may_be_left_out(provider: Provider, path: str) -> None:
    address = provider.base_url.removesuffix("/v1") + path
    [ollama] = read_chain("", {"OLLAMA_BASE_URL": address})
    assert await ollama.list_models() == ["simulated"]
    await ollama.close()


@pytest.mark.parametrize(
    ("chain", "environment", "sentence"),
    [
        ("nobody:gpt", {}, "'nobody' is not known: set NOBODY_BASE_URL, or use ollama, aichat, openrouter"),
        ("gpt 5", CLOUD, "'gpt 5' does not name a provider: write a chain as provider:model,provider:model"),
        (":llama3.2", LOCAL, "':llama3.2' does not name a provider"),
        ("", {"OLLAMA_BASE_URL": "localhost:11434"}, "OLLAMA_BASE_URL is no address: write it as http://"),
        ("mine", {"MINE_BASE_URL": "/v1"}, "MINE_BASE_URL is no address: write it as http://"),
        ("mine", {"MINE_BASE_URL": "http://[::1"}, "MINE_BASE_URL is no address: write it as http://"),
        ("", {"OPENAI_API_KEY": "сюда-ключ"}, "OPENAI_API_KEY holds letters that no key has: paste the key itself"),
    ],
)
def test_what_cannot_be_read_is_said_with_what_to_do(chain: str, environment: Mapping[str, str], sentence: str) -> None:
    with pytest.raises(ChainInvalid) as caught:
        read_chain(chain, environment)
    assert sentence in str(caught.value)
    assert not any(value in str(caught.value) for name, value in environment.items() if name.endswith("KEY"))


@pytest.mark.parametrize(
    ("chain", "told"),
    [("openai:gpt-5,ollama", "openai:gpt-5, ollama:(its first model)"), ("", "ollama:(its first model)")],
)
def test_a_chain_is_told_as_people_read_it(chain: str, told: str) -> None:
    environment = {"OLLAMA_BASE_URL": "http://localhost:11434"} | ({"OPENAI_API_KEY": "k"} if chain else {})
    assert names(read_chain(chain, environment)) == told
