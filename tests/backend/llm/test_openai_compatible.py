"""One provider over a real socket: what it sends becomes an answer or a `ProviderFailed`, and nothing else."""

import asyncio
import traceback

import pytest

from backend.llm import ChatMessage, Outcome, Usage
from backend.llm.openai_compatible import OpenAICompatible
from tests.backend.llm.conftest import HELLO, Connect, Reader, Serve
from tests.backend.llm.misbehaviours import FINISH, Compresses, Notes, Streams, delta, http, piece, says, streams
from tests.simulators import provider as simulator
from tests.simulators.provider import (
    BROKEN_JSON,
    OTHER_SHAPE,
    WEB_PAGE,
    Answer,
    Breaks,
    Cuts,
    Fades,
    Fails,
    Provider,
    Says,
)  # fmt: skip
from tests.simulators.provider_behaviours import Behaviour

GARBLED, UNAVAILABLE, CUT, EMPTY = Outcome.GARBLED, Outcome.UNAVAILABLE, Outcome.CUT, Outcome.EMPTY


async def test_a_model_answers(model: OpenAICompatible, reader: Reader) -> None:
    assert await reader.ask_one(model) == "You said: Hello"
    assert "".join(reader.seen) == ("You said: Hello" if reader.streamed else "")


async def test_a_stream_is_shown_in_pieces(model: OpenAICompatible, provider: Provider) -> None:
    provider.will(Answer("Good morning <", piece=5))
    seen: list[str] = []
    await model.complete(HELLO, seen.append)
    assert seen == ["Good", " morni", "ng", " <"]


async def test_the_request_says_no_more_than_it_must(
    model: OpenAICompatible, provider: Provider, reader: Reader, connect: Connect
) -> None:
    other = connect(provider.base_url, key="k")
    await reader.ask_one(other)
    call = provider.calls[0]
    usage = {"stream": True, "stream_options": {"include_usage": True}} if reader.streamed else {}
    assert call.body == {"model": "simulated", "messages": [{"role": "system", "content": "Be kind."},
                                                            {"role": "user", "content": "Hello"}]} | usage  # fmt: skip
    assert call.headers["Authorization"] == "Bearer k"
    expected = {"host", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "authorization"}
    assert {*map(str.lower, call.headers)} <= expected


@pytest.mark.parametrize(
    ("behaviour", "plain", "streamed"),
    [
        (Fails(429), Outcome.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Fails(500), UNAVAILABLE, UNAVAILABLE),
        (Fails(503), UNAVAILABLE, UNAVAILABLE),
        (Fails(408), UNAVAILABLE, UNAVAILABLE),
        (Fails(400), Outcome.REFUSED, Outcome.REFUSED),
        (Fails(401), Outcome.DENIED, Outcome.DENIED),
        (Fails(402), Outcome.DENIED, Outcome.DENIED),
        (Fails(404), Outcome.DENIED, Outcome.DENIED),
        (BROKEN_JSON, GARBLED, GARBLED),
        (OTHER_SHAPE, GARBLED, GARBLED),
        (WEB_PAGE, GARBLED, GARBLED),
        (Says(""), GARBLED, GARBLED),
        (Says("[]"), GARBLED, GARBLED),
        (Says("[" * 100_000), GARBLED, GARBLED),
        (Says('{"choices": null}'), GARBLED, GARBLED),
        (Says('{"choices": [null]}'), GARBLED, GARBLED),
        (Says('{"choices": [{"message": null}]}'), GARBLED, GARBLED),
        (Says('{"error": "overloaded"}'), UNAVAILABLE, UNAVAILABLE),
        (Says('{"error": {"code": 429, "message": "slow down"}}'), Outcome.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Says('{"choices": [{"error": {"code": 502}, "message": {"content": "Hel"}}]}'), UNAVAILABLE, UNAVAILABLE),
        (says(17), GARBLED, GARBLED),
        (says({"text": "Hello"}), GARBLED, GARBLED),
        (says([{"type": "text", "text": "Hello"}]), GARBLED, GARBLED),
        (says("\ud800"), GARBLED, GARBLED),
        (says(None), EMPTY, EMPTY),
        (Answer(""), EMPTY, EMPTY),
        (Answer(" \n "), EMPTY, EMPTY),
        (Answer("<think>That is all I have."), EMPTY, EMPTY),
        (Compresses(), UNAVAILABLE, CUT),
        (Cuts(after=0), UNAVAILABLE, UNAVAILABLE),
        (Cuts(after=2), UNAVAILABLE, CUT),
        (Breaks(after=0), UNAVAILABLE, UNAVAILABLE),
        (Breaks(after=2), UNAVAILABLE, UNAVAILABLE),
    ],
    ids=lambda value: repr(value)[:50] if not isinstance(value, Outcome) else value.value,
)
async def test_whatever_goes_wrong_is_a_failed_attempt(
    model: OpenAICompatible, provider: Provider, reader: Reader, behaviour: Behaviour, plain: Outcome, streamed: Outcome
) -> None:
    provider.will(behaviour)
    failure = await reader.failure_of(model)
    assert failure.outcome is (streamed if reader.streamed else plain)


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Fades(after=0), CUT),
        (Fades(after=2), CUT),
        (streams(delta('"Hel'), delta('lo"')), GARBLED),
        (streams(delta("17")), GARBLED),
        (streams(delta('["Hello"]')), GARBLED),
        (streams('"Hello"'), GARBLED),
        (Says("x" * (2 << 20), "text/event-stream"), GARBLED),
        (streams('{"choices": [null]}'), GARBLED),
        (streams('{"choices": [{"delta": 17}]}'), GARBLED),
        (streams(delta('"Hello"'), "[DONE]"), CUT),
        (streams(delta('"Hello"', '"error"')), UNAVAILABLE),
        (streams(delta("null", '"stop"'), "[DONE]"), EMPTY),
    ],
    ids=lambda value: repr(value)[:50],
)
async def test_a_broken_stream_is_a_failed_attempt(
    model: OpenAICompatible, provider: Provider, behaviour: Behaviour, outcome: Outcome
) -> None:
    provider.will(behaviour)
    assert (await Reader(streamed=True).failure_of(model)).outcome is outcome


async def test_a_closed_port_is_a_failed_attempt(model: OpenAICompatible, provider: Provider, reader: Reader) -> None:
    async with provider.unreachable():
        failure = await reader.failure_of(model)
    assert (failure.outcome, str(failure)) == (UNAVAILABLE, "ConnectionRefusedError")


@pytest.mark.parametrize(
    "reply",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a number\r\n",
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://[\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf",
        b"",
    ],
    ids=repr,
)  # fmt: skip
async def test_what_does_not_speak_http_is_a_failed_attempt(
    reply: bytes, reader: Reader, serve: Serve, connect: Connect
) -> None:
    stranger = connect(await serve(reply))
    await reader.failure_of(stranger)


async def test_a_key_that_fits_into_no_header_is_a_failed_attempt(
    provider: Provider, reader: Reader, connect: Connect
) -> None:
    model = connect(provider.base_url, key="line\nbreak")
    failure = await reader.failure_of(model)
    assert "ключ" not in str(failure)


async def test_a_failure_is_named_but_not_quoted(model: OpenAICompatible, provider: Provider, reader: Reader) -> None:
    quoted = HELLO[0].content
    provider.will(Fails(404, message=f"no model for {quoted}"))
    failure = await reader.failure_of(model)
    assert str(failure) == "status 404 (model_not_found)"
    assert quoted not in "".join(traceback.format_exception(failure))


async def test_an_answer_without_a_stream_is_shown_at_once(model: OpenAICompatible, provider: Provider) -> None:
    provider.will(says("Hello, Anna"))
    reader = Reader(streamed=True)
    assert await reader.ask_one(model) == "Hello, Anna"
    assert reader.seen == ["Hello, Anna"]


async def test_a_stream_may_be_written_in_other_ways(model: OpenAICompatible, provider: Provider) -> None:
    provider.will(streams(delta('"Добрый\u2028день"'), delta("null", '"stop"'), end="\r\n\r\n"))
    assert await Reader(streamed=True).ask_one(model) == "Добрый\u2028день"
    provider.will(Says('data:{"choices": [{"delta": {"content": "Hi"}}]}\n\n'
                       'event: message\nid: 1\ndata:\n\ndata:{"choices": [{"finish_reason": "stop"}]}\n\n',
                       "text/event-stream"))  # fmt: skip
    assert await Reader(streamed=True).ask_one(model) == "Hi"


@pytest.mark.parametrize("end", ["ends", "is cut", "waits"])
async def test_an_answer_is_complete_with_its_finish_reason(
    model: OpenAICompatible, provider: Provider, end: str
) -> None:
    provider.will(Streams([piece("Hello"), FINISH], end=end))
    assert await Reader(streamed=True).ask_one(model) == "Hello"


async def test_an_error_may_come_as_a_stream(serve: Serve, connect: Connect, reader: Reader) -> None:
    refusal = http(b'data: {"error": {}}\n\n', status="429 Too Many Requests", kind="text/event-stream")
    assert (await reader.failure_of(connect(await serve(refusal)))).outcome is Outcome.RATE_LIMITED


async def test_a_proxy_of_the_environment_is_used(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await serve(http(b'{"choices": [{"message": {"content": "by proxy"}}]}'))
    monkeypatch.setenv("http_proxy", proxy.removesuffix("/v1"))
    monkeypatch.setenv("no_proxy", "localhost")
    assert await Reader(streamed=False).ask_one(connect("http://provider.invalid/v1")) == "by proxy"


async def test_no_proxy_is_used_where_none_is_wanted(
    provider: Provider, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert await Reader(streamed=False).ask_one(connect(provider.base_url)) == "You said: Hello"


async def test_a_connection_is_used_again(model: OpenAICompatible, provider: Provider, reader: Reader) -> None:
    provider.usual = noted = Notes(Answer())
    for _ in range(3):
        await reader.ask_one(model)
    assert len(noted.connections) == 1


@pytest.mark.parametrize("behaviour", [simulator.Hangs(), simulator.Hangs(after=2)], ids=repr)
async def test_a_cancelled_call_leaves_no_connection(
    model: OpenAICompatible, provider: Provider, reader: Reader, behaviour: Behaviour
) -> None:
    provider.will(behaviour)
    call = asyncio.ensure_future(reader.ask_one(model))
    await provider.called()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await reader.ask_one(model) == "You said: Hello"
    assert provider.in_flight == 0


async def test_usage_is_read(model: OpenAICompatible, provider: Provider, reader: Reader) -> None:
    provider.will(Answer("Hi", usage=simulator.Usage(100, 20, cached=64, cost=0.002)), Answer("Hi", usage=None))
    show = reader.seen.append if reader.streamed else None
    assert (await model.complete(HELLO, show)).usage == Usage(100, 20, 64, 0.002)
    assert (await model.complete(HELLO, show)).usage == Usage()


async def test_the_usage_of_a_stream_may_come_a_little_later(model: OpenAICompatible, provider: Provider) -> None:
    gate = asyncio.Event()
    provider.will(Streams([piece("Hi"), FINISH], gate, [{"choices": [], "usage": {"prompt_tokens": 7}}]))
    answer = await model.complete(HELLO, lambda _: gate.set())
    assert answer.usage == Usage(tokens_in=7)


@pytest.mark.parametrize(
    "told",
    ["17", "[]", '{"prompt_tokens": "many", "completion_tokens": -1, "cost": "free"}',
     '{"prompt_tokens": 99999999999, "completion_tokens": 1.5, "cost": 1e300, "prompt_tokens_details": []}',
     '{"prompt_tokens": true, "cost": -1, "prompt_tokens_details": {"cached_tokens": null}}'],
)  # fmt: skip
async def test_nonsense_about_usage_is_not_recorded(model: OpenAICompatible, provider: Provider, told: str) -> None:
    provider.will(Says(f'{{"choices": [{{"message": {{"content": "Hi"}}}}], "usage": {told}}}'))
    assert (await model.complete(HELLO, None)).usage == Usage()


async def test_an_empty_answer_tells_what_it_cost(model: OpenAICompatible, provider: Provider, reader: Reader) -> None:
    provider.will(Answer("", usage=simulator.Usage(100, 20)))
    assert (await reader.failure_of(model)).usage == Usage(100, 20)


async def test_an_answer_holds_nothing_that_cannot_be_stored(model: OpenAICompatible, provider: Provider) -> None:
    provider.will(Answer("He\0llo"), Answer("He\0llo"))
    assert await Reader(streamed=False).ask_one(model) == "Hello"
    assert await Reader(streamed=True).ask_one(model) == "Hello"


async def test_thoughts_are_neither_shown_nor_answered(
    model: OpenAICompatible, provider: Provider, reader: Reader
) -> None:
    provider.will(Answer("<think>\nHm, <thin\n</think>\n\nHello", piece=1, reasoning="They greet."))
    assert await reader.ask_one(model) == "Hello"
    assert "".join(reader.seen) in ("", "Hello")


async def test_a_model_that_leaves_the_opening_tag_out_is_known_from_then_on(
    model: OpenAICompatible, provider: Provider
) -> None:
    provider.usual = Answer("They greet.\n</think>\n\nHello")
    first, later = Reader(streamed=True), Reader(streamed=True)
    assert await first.ask_one(model) == "Hello"
    assert await later.ask_one(model) == "Hello"
    assert "".join(later.seen) == "Hello"


async def test_an_address_may_carry_a_query(provider: Provider, connect: Connect) -> None:
    provider.usual = noted = Notes(Answer())
    model = connect(provider.base_url + "?api-version=1")
    assert (await model.complete([ChatMessage("user", "Hi")], None)).text == "You said: Hi"
    assert noted.queries == {"api-version=1"}
