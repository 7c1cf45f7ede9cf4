"""A chain of providers over real sockets: the first good answer within the time limit, or a clear problem."""

import asyncio
import time
import traceback
from collections.abc import Sequence

import pytest
import structlog

from backend.database import Database, TransactionHeld
from backend.llm import Answer as Answered
from backend.llm import Call, ChatMessage, Llm, NoProviderAnswered, Outcome, ProviderFailed, Purpose, Show, Tool, Usage
from backend.llm.openai_compatible import OpenAICompatible
from backend.llm.prices import Price
from tests.backend.llm.conftest import HELLO, Chain, Connect, Reader
from tests.backend.llm.misbehaviours import FINISH, Streams, piece, says, streams
from tests.processes import PATIENCE_SECONDS
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
    Hangs,
    Provider,
)  # fmt: skip
from tests.simulators.provider_behaviours import Behaviour
from tests.simulators.provider_tools import CallsTool

PLAIN = Reader(streamed=False)
PROMPT, KEY = "I live in Riga", "sk-1234567890"


def outcomes(calls: tuple[Call, ...]) -> list[tuple[str, Outcome]]:
    return [(call.provider, call.outcome) for call in calls]


async def test_the_first_that_answers_is_the_only_one_asked(
    chain: Chain, provider: Provider, second: Provider, reader: Reader
) -> None:
    completion = await reader.ask(chain(provider, second))
    assert (completion.text, completion.provider, completion.model) == ("You said: Hello", "first", "simulated")
    assert "".join(reader.seen) == ("You said: Hello" if reader.streamed else "")
    assert second.calls == []


@pytest.mark.parametrize(
    "behaviour",
    [
        Fails(429), Fails(429, retry_after=60), Fails(500), Fails(503), Fails(400), Fails(401), Fails(404),
        BROKEN_JSON, OTHER_SHAPE, WEB_PAGE, says(17), says(None), says([{"type": "text", "text": "Hello"}]),
        streams("{"), streams('{"choices": [{"delta": {"content": []}}]}'),
        Answer(""), Answer("<think>Nothing comes of it."), Breaks(after=0), Cuts(after=0), Fades(after=0),
        Hangs(),
    ],
    ids=lambda behaviour: repr(behaviour)[:60],
)  # fmt: skip
async def test_the_next_one_answers_when_one_fails(
    chain: Chain, provider: Provider, second: Provider, reader: Reader, behaviour: Behaviour
) -> None:
    provider.will(behaviour)
    # Only one that hangs uses the time up; the others may have it, on a machine that is busy.
    time_limit = 1 if isinstance(behaviour, Hangs) else PATIENCE_SECONDS
    completion = await reader.ask(chain(provider, second, time_limit=time_limit))
    assert (completion.text, completion.provider) == ("You said: Hello", "second")
    assert [name for name, _ in outcomes(completion.calls)] == ["first", "second"]
    assert "".join(reader.seen) in ("", "You said: Hello")


async def test_a_closed_port_is_passed_by(chain: Chain, provider: Provider, second: Provider, reader: Reader) -> None:
    llm = chain(provider, second)
    async with provider.unreachable():
        assert (await reader.ask(llm)).provider == "second"


async def test_no_provider_is_a_clear_problem(reader: Reader) -> None:
    assert (await reader.problem_of(Llm({}, time_limit=1))).calls == ()


async def test_when_all_fail_they_are_asked_once_more(
    chain: Chain, provider: Provider, second: Provider, reader: Reader
) -> None:
    provider.usual, second.usual = Fails(500), BROKEN_JSON
    problem = await reader.problem_of(chain(provider, second))
    once = [("first", Outcome.UNAVAILABLE), ("second", Outcome.GARBLED)]
    assert outcomes(problem.calls) == once * 2


async def test_a_short_outage_is_sat_out(chain: Chain, provider: Provider, reader: Reader) -> None:
    provider.will(Fails(500))
    assert (await reader.ask(chain(provider))).text == "You said: Hello"


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_who_refuses_is_not_asked_the_same_again(
    chain: Chain, provider: Provider, reader: Reader, status: int
) -> None:
    provider.usual = Fails(status)
    problem = await reader.problem_of(chain(provider))
    assert len(problem.calls) == len(provider.calls) == 1


async def test_the_time_limit_is_for_the_whole_chain(
    chain: Chain, provider: Provider, second: Provider, reader: Reader
) -> None:
    provider.usual = second.usual = Hangs()
    problem = await reader.problem_of(chain(provider, second, time_limit=0.4))
    assert outcomes(problem.calls) == [("first", Outcome.TIMEOUT), ("second", Outcome.TIMEOUT)]
    assert sum(call.milliseconds for call in problem.calls) >= 350


class Blocks:
    """Fails when the time is over, having let nothing else happen meanwhile."""

    name = model = "blocks"

    async def complete(
        self, messages: Sequence[ChatMessage], show: Show | None, tools: Sequence[Tool] = ()
    ) -> Answered:
        time.sleep(0.1)  # noqa: ASYNC251 - a busy loop, as under load
        raise ProviderFailed(Outcome.UNAVAILABLE, "busy")

    async def close(self) -> None: ...


async def test_nobody_is_asked_after_the_time_limit(model: OpenAICompatible, reader: Reader) -> None:
    problem = await reader.problem_of(Llm({Purpose.CHAT: [Blocks(), model]}, time_limit=0.05))
    assert outcomes(problem.calls) == [("blocks", Outcome.UNAVAILABLE)]


# Once a part was shown.


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Cuts(after=2), Outcome.CUT),
        (Fades(after=2), Outcome.CUT),
        (Breaks(after=2), Outcome.UNAVAILABLE),
        (Hangs(after=2), Outcome.TIMEOUT),
    ],
    ids=repr,
)
async def test_half_an_answer_is_a_failed_attempt_and_nobody_else_is_asked(
    chain: Chain, provider: Provider, second: Provider, behaviour: Behaviour, outcome: Outcome
) -> None:
    provider.will(behaviour)
    reader = Reader(streamed=True)
    problem = await reader.problem_of(chain(provider, second, time_limit=1))
    assert outcomes(problem.calls) == [("first", outcome)]
    assert "".join(reader.seen) == "You said"
    assert second.calls == []


async def test_half_an_answer_that_nobody_saw_is_no_reason_to_stop(
    chain: Chain, provider: Provider, second: Provider
) -> None:
    provider.will(Cuts(text="<think>Hm, hm, hm, hm, hm, hm.</think>Hello", after=4))
    reader = Reader(streamed=True)
    assert (await reader.ask(chain(provider, second))).provider == "second"
    assert "".join(reader.seen) == "You said: Hello"


async def test_who_only_calls_tools_that_it_was_not_offered_has_not_answered(
    chain: Chain, provider: Provider, second: Provider, reader: Reader
) -> None:
    provider.will(CallsTool("search", {"query": "Hello"}))
    completion = await reader.ask(chain(provider, second))
    assert (completion.text, completion.provider) == ("You said: Hello", "second")
    assert outcomes(completion.calls) == [("first", Outcome.EMPTY), ("second", Outcome.ANSWERED)]


async def test_an_answer_that_is_shown_may_use_all_the_time_that_is_left(
    chain: Chain, provider: Provider, second: Provider
) -> None:
    gate = asyncio.Event()
    provider.will(Streams([piece("Well, ")], gate, [piece("hello"), FINISH]))
    turn = asyncio.ensure_future(Reader(streamed=True).ask(chain(provider, second, time_limit=2)))
    await provider.called()
    await asyncio.sleep(1.1)  # longer than its share
    gate.set()
    assert (await turn).text == "Well, hello"


# What is kept of a call, and what is not.


async def test_every_call_is_told_with_its_usage_and_cost(
    chain: Chain, provider: Provider, second: Provider, reader: Reader
) -> None:
    provider.will(Answer("", usage=simulator.Usage(1000, 0)))
    second.will(Answer("Hi", usage=simulator.Usage(100, 20, cached=64, cost=0.5)))
    completion = await reader.ask(chain(provider, second, price=Price(2, 8)))
    assert [(call.purpose, call.provider, call.model, call.outcome, call.usage) for call in completion.calls] == [
        (Purpose.CHAT, "first", "simulated", Outcome.EMPTY, Usage(1000, 0, None, 0.002)),
        (Purpose.CHAT, "second", "simulated", Outcome.ANSWERED, Usage(100, 20, 64, 0.5)),
    ]
    assert all(call.milliseconds >= 0 for call in completion.calls)


async def test_no_key_and_no_prompt_reach_a_log_or_a_traceback(
    provider: Provider, reader: Reader, caplog: pytest.LogCaptureFixture, connect: Connect
) -> None:
    caplog.set_level("INFO")
    provider.rule = lambda body: Fails(400, message=f"Bearer {KEY} may not ask {body['messages']}")
    model = connect(provider.base_url, key=KEY)
    llm = Llm({Purpose.CHAT: [model]}, time_limit=1)
    show = reader.seen.append if reader.streamed else None
    with structlog.testing.capture_logs() as logs, pytest.raises(NoProviderAnswered) as caught:
        await llm.complete(Purpose.CHAT, [ChatMessage("user", PROMPT)], show=show)
    await llm.close()
    assert provider.prompts == [[{"role": "user", "content": PROMPT}]]
    told = f"{logs} {caplog.text} {''.join(traceback.format_exception(caught.value))} {caught.value!r}"
    assert "status 400" in told
    assert PROMPT not in told
    assert KEY not in told


async def test_a_cancelled_call_is_no_failure_and_leaves_no_connection(
    chain: Chain, provider: Provider, second: Provider, reader: Reader
) -> None:
    provider.will(Hangs())
    llm = chain(provider, second)
    turn = asyncio.ensure_future(reader.ask(llm))
    await provider.called()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    assert (await reader.ask(llm)).provider == "first"
    assert provider.in_flight == 0
    assert second.calls == []


async def test_no_model_is_called_inside_a_transaction(llm: Llm, db: Database, provider: Provider) -> None:
    async with db.begin():
        with pytest.raises(TransactionHeld):
            await llm.complete(Purpose.CHAT, HELLO)
    assert provider.calls == []
