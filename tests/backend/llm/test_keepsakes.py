"""What a provider wants back with its calls goes back to it, and to nobody else."""

from typing import Any

import orjson
import pytest

from backend.llm import ChatMessage, Tool
from backend.llm.openai_compatible import OpenAICompatible
from tests.backend.llm.conftest import HELLO, Connect
from tests.simulators.provider import Json, Provider, Says

LOOK = Tool("look", "Looks.", {"type": "object"})
GOOGLE = {"google": {"thought_signature": "c2lnbmVk"}}
DETAILS = [{"type": "reasoning.encrypted", "data": "c2lnbmVk"}]


def calling(*extras: Json | None, **beside: Any) -> Says:
    calls = [
        {"id": f"c{place}", "function": {"name": "look", "arguments": "{}"}}
        | ({"extra_content": extra} if extra else {})
        for place, extra in enumerate(extras)
    ]
    message = {"content": None, "tool_calls": calls, **beside}
    return Says(orjson.dumps({"choices": [{"message": message}]}).decode())


async def told_back(model: OpenAICompatible, by: OpenAICompatible, provider: Provider) -> Json:
    """What is told about the calls of one model to another, or the same."""
    called = await by.complete(HELLO, None, [LOOK])
    said = ChatMessage("assistant", "", tool_calls=called.tool_calls, keepsake=called.keepsake)
    brought = [ChatMessage("tool", "nothing", answers=call.id) for call in called.tool_calls]
    await model.complete([*HELLO, said, *brought], None, [LOOK])
    told: Json = provider.calls[-1].body["messages"][2]
    return told


async def test_signed_calls_go_back_with_their_signatures(model: OpenAICompatible, provider: Provider) -> None:
    provider.will(calling(GOOGLE, None))
    signed, unsigned = (await told_back(model, model, provider))["tool_calls"]
    assert signed["extra_content"] == GOOGLE
    assert "extra_content" not in unsigned


async def test_so_do_thoughts_beside_the_calls(model: OpenAICompatible, provider: Provider) -> None:
    provider.will(calling(None, reasoning_details=DETAILS))
    assert (await told_back(model, model, provider))["reasoning_details"] == DETAILS


async def test_nobody_else_is_shown_them(model: OpenAICompatible, provider: Provider, connect: Connect) -> None:
    provider.will(calling(GOOGLE, reasoning_details=DETAILS))
    told = await told_back(connect(provider.base_url, name="second"), model, provider)
    assert told.keys() == {"role", "content", "tool_calls"}
    assert told["tool_calls"][0].keys() == {"id", "type", "function"}


@pytest.mark.parametrize("details", [[], "x" * (256 << 10), "a\0b", None])
async def test_what_cannot_be_kept_is_not(model: OpenAICompatible, provider: Provider, details: Any) -> None:
    provider.will(calling(None, reasoning_details=details))
    assert (await model.complete(HELLO, None, [LOOK])).keepsake is None


async def test_words_leave_no_keepsake(model: OpenAICompatible, provider: Provider) -> None:
    message = {"content": "Hello", "reasoning_details": DETAILS}
    provider.will(Says(orjson.dumps({"choices": [{"message": message}]}).decode()))
    assert (await model.complete(HELLO, None)).keepsake is None
