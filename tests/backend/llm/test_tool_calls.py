"""A model that is offered tools: it answers in words, or calls one, plain and streamed."""

from dataclasses import replace
from typing import Any

import pytest

from backend.llm import Answer, ChatMessage, Llm, Outcome, ProviderFailed, Purpose, Tool, ToolCall
from backend.llm.openai_compatible import OpenAICompatible
from backend.llm.tool_calls import ToolCalls
from tests.backend.llm.conftest import HELLO, Chain, Reader
from tests.simulators.provider import Breaks, Cuts, Fails, Provider, Says
from tests.simulators.provider_tools import CallsTool, CallsTools, KnowsNoTools, ToolUse

TRANSLATE = Tool("translate", "Translates.", {"type": "object", "properties": {"language": {"type": "string"}}})
GERMAN = '{"language":"German"}'
CALLED = (ToolCall("translate", GERMAN, "call_1_1"),)
FRENCH = '{"language":"French"}'
ASKED, LOOKED = ChatMessage("user", "Translate it."), ChatMessage("assistant", "", tool_calls=CALLED)
BROUGHT = ChatMessage("tool", "Guten Tag", answers="call_1_1")


async def ask(model: OpenAICompatible, reader: Reader) -> Answer:
    return await model.complete(HELLO, reader.seen.append if reader.streamed else None, [TRANSLATE])


async def ask_chain(llm: Llm, reader: Reader) -> Any:
    return await llm.complete(
        Purpose.CHAT, HELLO, show=reader.seen.append if reader.streamed else None, tools=[TRANSLATE]
    )


async def test_tools_are_offered_as_endpoints_take_them(
    model: OpenAICompatible, provider: Provider, reader: Reader
) -> None:
    assert (await ask(model, reader)).text == "You said: Hello"
    function = {"name": "translate", "description": "Translates.", "parameters": TRANSLATE.parameters}
    assert provider.calls[0].body["tools"] == [{"type": "function", "function": function}]


@pytest.mark.parametrize(
    "behaviour",
    [
        CallsTool("translate", GERMAN),
        CallsTool("translate", GERMAN, numbered=False),
        CallsTool("translate", GERMAN, finish_reason="stop"),
    ],
    ids=["as usual", "without numbers", "as if it had answered"],
)
async def test_a_called_tool_is_read(
    model: OpenAICompatible, provider: Provider, reader: Reader, behaviour: CallsTool
) -> None:
    provider.will(behaviour)
    answer = await ask(model, reader)
    assert (answer.text, answer.tool_calls, reader.seen) == ("", CALLED, [])
    assert answer.usage.tokens_in == 400


async def test_words_before_a_call_are_kept(model: OpenAICompatible, provider: Provider, reader: Reader) -> None:
    provider.will(CallsTool("translate", GERMAN, text="<think>hm</think>Sure:"))
    answer = await ask(model, reader)
    assert (answer.text, answer.tool_calls) == ("Sure:", CALLED)
    assert "".join(reader.seen) == ("Sure:" if reader.streamed else "")


async def test_arguments_may_come_as_an_object(model: OpenAICompatible, provider: Provider, reader: Reader) -> None:
    call = '{"function": {"name": "translate", "arguments": {"language": "German"}}}'
    provider.will(Says('{"choices": [{"message": {"content": null, "tool_calls": [' + call + "]}}]}"))
    assert (await ask(model, reader)).tool_calls == (ToolCall("translate", GERMAN),)


@pytest.mark.parametrize("numbered", [True, False])
async def test_several_calls_are_read_in_their_order(
    model: OpenAICompatible, provider: Provider, reader: Reader, numbered: bool
) -> None:
    provider.will(CallsTools(ToolUse("translate", GERMAN), ToolUse("translate", FRENCH), numbered=numbered))
    assert (await ask(model, reader)).tool_calls == (*CALLED, ToolCall("translate", FRENCH, "call_1_2"))


def test_calls_of_one_number_are_told_apart_by_their_ids() -> None:
    calls = ToolCalls()
    for language, id in (("de", "a"), ("fr", "b")):
        function = {"name": "translate", "arguments": language}
        calls.take({"tool_calls": [{"index": 0, "id": id, "function": function}]})
    assert calls.read() == (ToolCall("translate", "de", "a"), ToolCall("translate", "fr", "b"))


async def test_what_was_called_and_what_it_brought_are_told_as_endpoints_take_it(
    model: OpenAICompatible, provider: Provider
) -> None:
    await model.complete([ASKED, LOOKED, BROUGHT], None, [TRANSLATE])
    function = {"name": "translate", "arguments": GERMAN}
    assert provider.calls[0].body["messages"] == [
        {"role": "user", "content": "Translate it."},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1_1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "Guten Tag", "tool_call_id": "call_1_1"},
    ]


@pytest.mark.parametrize("tools", [[TRANSLATE], []])
async def test_who_knows_no_tools_is_told_in_words_what_they_brought(
    model: OpenAICompatible, provider: Provider, tools: list[Tool]
) -> None:
    provider.usual = KnowsNoTools()
    await model.complete([ASKED, LOOKED, BROUGHT], None, tools)
    asked, looked, brought = provider.calls[1].body["messages"]
    assert asked == {"role": "user", "content": "Translate it."}
    assert looked == {"role": "assistant", "content": f"[Call call_1_1 of translate: {GERMAN}]"}
    assert brought == {"role": "user", "content": "[What the call call_1_1 has brought]\nGuten Tag"}


async def test_who_knows_no_tools_is_not_asked_where_they_are_needed(
    model: OpenAICompatible, provider: Provider
) -> None:
    provider.usual = KnowsNoTools()
    with pytest.raises(ProviderFailed) as failed:
        await model.complete(HELLO, None, [replace(TRANSLATE, needed=True)])
    assert (failed.value.outcome, len(provider.calls)) == (Outcome.REFUSED, 1)


async def test_a_refusal_where_no_tools_were_offered_says_nothing_about_them(
    model: OpenAICompatible, provider: Provider
) -> None:
    provider.will(Fails(400))
    await model.complete([ASKED, LOOKED, BROUGHT], None)
    provider.will(CallsTool("translate", GERMAN))
    assert (await model.complete(HELLO, None, [TRANSLATE])).tool_calls == CALLED


@pytest.mark.parametrize("calls", ['"x"', "[1]", "[{}]", '[{"function": {"name": 1}}]'])
async def test_what_is_no_call_is_garbled(
    model: OpenAICompatible, provider: Provider, reader: Reader, calls: str
) -> None:
    provider.will(Says('{"choices": [{"message": {"content": "x", "tool_calls": ' + calls + "}}]}"))
    with pytest.raises(ProviderFailed) as failed:
        await ask(model, reader)
    assert failed.value.outcome is Outcome.GARBLED


@pytest.mark.parametrize("refusal", [Fails(400), Fails(404)])
async def test_who_knows_no_tools_is_asked_without_them_and_from_then_on_always(
    model: OpenAICompatible, provider: Provider, reader: Reader, refusal: Fails
) -> None:
    provider.usual = KnowsNoTools(refusal)
    answers = [(await ask(model, reader)).text for _ in range(2)]
    assert answers == ["You said: Hello"] * 2
    assert ["tools" in call.body for call in provider.calls] == [True, False, False]


async def test_who_refuses_for_another_reason_is_offered_tools_again(
    model: OpenAICompatible, provider: Provider, reader: Reader
) -> None:
    provider.will(Fails(400), Fails(400))
    with pytest.raises(ProviderFailed):
        await ask(model, reader)
    provider.will(CallsTool("translate", GERMAN))
    assert (await ask(model, reader)).tool_calls == CALLED


async def test_nobody_is_asked_again_once_a_part_was_shown(model: OpenAICompatible, provider: Provider) -> None:
    provider.will(Breaks(after=2, code=400))
    with pytest.raises(ProviderFailed):
        await ask(model, Reader(streamed=True))
    assert len(provider.calls) == 1


async def test_a_chain_hands_calls_on(chain: Chain, provider: Provider, second: Provider, reader: Reader) -> None:
    provider.will(Cuts(after=0))
    second.will(CallsTool("translate", GERMAN))
    completion = await ask_chain(chain(provider, second), reader)
    assert (completion.provider, completion.tool_calls) == ("second", CALLED)
    assert [call.outcome for call in completion.calls] == [Outcome.UNAVAILABLE, Outcome.ANSWERED]
