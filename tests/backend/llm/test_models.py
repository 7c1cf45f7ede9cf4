"""Which model is asked, and which ones an endpoint has."""

import pytest

from backend.llm import Outcome, ProviderFailed
from backend.llm.openai_compatible import OpenAICompatible
from tests.backend.llm.conftest import HELLO, Connect, Reader, Serve
from tests.backend.llm.misbehaviours import http
from tests.simulators.provider import Fails, Provider


async def test_without_a_name_the_first_model_that_talks_is_asked(
    provider: Provider, reader: Reader, connect: Connect
) -> None:
    provider.models = ["nomic-embed-text:latest", "qwen3:8b", "llama3.2"]
    model = connect(provider.base_url, "")
    await reader.ask_one(model)
    assert model.model == provider.calls[0].body["model"] == "qwen3:8b"


async def test_a_model_that_was_removed_is_replaced(provider: Provider, connect: Connect) -> None:
    provider.models = ["old"]
    model = connect(provider.base_url, "")
    await model.complete(HELLO, None)
    provider.models = ["new"]
    provider.will(Fails(404))
    with pytest.raises(ProviderFailed):
        await model.complete(HELLO, None)
    await model.complete(HELLO, None)
    assert [call.body["model"] for call in provider.calls] == ["old", "old", "new"]


async def test_an_endpoint_without_models_is_a_failed_attempt(
    provider: Provider, reader: Reader, connect: Connect
) -> None:
    provider.models = []
    model = connect(provider.base_url, "")
    assert (await reader.failure_of(model)).outcome is Outcome.DENIED


async def test_models_are_listed(model: OpenAICompatible, provider: Provider) -> None:
    provider.models = ["a", "b"]
    assert await model.list_models() == ["a", "b"]
    provider.key = "another"
    with pytest.raises(ProviderFailed, match="status 401"):
        await model.list_models()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"data": 1}', b'{"data": null}', b'{"error": "no"}', b""])
async def test_what_is_no_list_of_models_is_a_failure(serve: Serve, body: bytes, connect: Connect) -> None:
    model = connect(await serve(http(body)), "")
    with pytest.raises(ProviderFailed):
        await model.list_models()


async def test_what_has_no_name_is_no_model(serve: Serve, connect: Connect) -> None:
    body = b'{"data": [null, {}, {"id": "a"}]}'
    model = connect(await serve(http(body)), "")
    assert await model.list_models() == ["a"]
