"""When a provider is asked again: at its own word, or after a rest that grows."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from backend.llm import Outcome, ProviderFailed
from backend.llm.patience import Patience
from tests.backend.llm.conftest import Chain, Reader
from tests.backend.llm.misbehaviours import Streams
from tests.simulators.provider import Answer, Fails, Provider

PLAIN = Reader(streamed=False)
DOWN = ProviderFailed(Outcome.UNAVAILABLE, "down")


def fail(patience: Patience, times: int, *, now: float = 0) -> None:
    for _ in range(times):
        patience.failed(DOWN, began=now, now=now)


def test_two_failures_are_forgiven() -> None:
    patience = Patience()
    fail(patience, 2)
    assert patience.left_alone(0) == 0


def test_a_rest_doubles_up_to_five_minutes() -> None:
    patience = Patience()
    fail(patience, 2)
    rests = []
    for _ in range(7):
        fail(patience, 1)
        rests.append(patience.left_alone(0))
    assert rests == [15, 30, 60, 120, 240, 300, 300]
    fail(patience, 5000)
    assert patience.left_alone(0) == 300


def test_an_answer_ends_it() -> None:
    patience = Patience()
    fail(patience, 5)
    patience.answered()
    fail(patience, 2)
    assert patience.left_alone(0) == 0


def test_calls_that_began_before_a_failure_was_known_do_not_add_to_it() -> None:
    patience = Patience()
    for _ in range(10):
        patience.failed(DOWN, began=0, now=1)
    assert patience.left_alone(1) == 0


def test_after_a_rest_one_call_tries_and_the_others_wait() -> None:
    patience = Patience()
    fail(patience, 3)
    assert patience.left_alone(15) == 0
    patience.is_tried(15)
    assert patience.left_alone(15) == 15
    patience.answered()
    assert patience.left_alone(15) == 0


def test_a_provider_in_good_health_is_tried_by_all() -> None:
    patience = Patience()
    fail(patience, 2)
    patience.is_tried(0)
    assert patience.left_alone(0) == 0


def test_its_own_word_counts_up_to_an_hour_also_when_another_call_is_answered() -> None:
    patience = Patience()
    patience.failed(ProviderFailed(Outcome.RATE_LIMITED, "busy", retry_after=86_400), began=0, now=0)
    patience.failed(ProviderFailed(Outcome.RATE_LIMITED, "busy", retry_after=1), began=0, now=0)
    patience.answered()
    assert patience.left_alone(600) == 3000


def test_a_refused_request_says_nothing_about_the_provider() -> None:
    patience = Patience()
    for _ in range(5):
        patience.failed(ProviderFailed(Outcome.REFUSED, "too long"), began=0, now=0)
    assert patience.left_alone(0) == 0


# The same over real sockets.


def in_a_minute() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=60)


@pytest.mark.parametrize("wait", [lambda: 60, in_a_minute, lambda: 7200], ids=["seconds", "date", "hours"])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_provider_is_not_asked_before_it_said(
    chain: Chain, provider: Provider, second: Provider, status: int, wait: object
) -> None:
    assert callable(wait)
    provider.will(Fails(status, retry_after=wait()))
    llm = chain(provider, second)
    for _ in range(2):
        assert (await PLAIN.ask(llm)).provider == "second"
    assert len(provider.calls) == 1


async def test_nobody_is_asked_before_he_said_even_if_he_is_the_last(chain: Chain, provider: Provider) -> None:
    provider.will(Fails(429, retry_after=60))
    llm = chain(provider)
    first, later = await PLAIN.problem_of(llm), await PLAIN.problem_of(llm)
    assert (len(first.calls), len(later.calls), len(provider.calls)) == (1, 0, 1)
    assert later.retry_after is not None
    assert 50 < later.retry_after <= 60


@pytest.mark.parametrize(
    "wait", ["soon", "-5", "nan", "Wed, 02 Jan 2019 00:00:00 GMT", "Wed, 02 Jan 2019 00:00:00 -0000"]
)
async def test_a_moment_that_is_none_or_past_is_no_reason_to_wait(chain: Chain, provider: Provider, wait: str) -> None:
    provider.will(Fails(429, retry_after=wait))
    assert (await PLAIN.ask(chain(provider))).text == "You said: Hello"


async def test_a_short_wait_is_waited(chain: Chain, provider: Provider, reader: Reader) -> None:
    provider.will(Fails(429, retry_after=1))
    assert (await reader.ask(chain(provider))).text == "You said: Hello"
    assert provider.calls[1].at - provider.calls[0].at >= 1


async def test_a_wait_beyond_the_time_limit_is_not_waited(chain: Chain, provider: Provider) -> None:
    provider.will(Fails(429, retry_after=600))
    async with asyncio.timeout(300):
        problem = await PLAIN.problem_of(chain(provider, time_limit=1))
    assert len(problem.calls) == 1


async def test_a_provider_that_keeps_failing_is_left_alone(chain: Chain, provider: Provider, second: Provider) -> None:
    provider.usual = Fails(500)
    llm = chain(provider, second)
    for _ in range(6):
        assert (await PLAIN.ask(llm)).provider == "second"
    assert len(provider.calls) == 3


async def test_a_provider_that_rests_is_asked_when_there_is_nobody_else(chain: Chain, provider: Provider) -> None:
    provider.will(*[Fails(500)] * 4)
    llm = chain(provider)
    for _ in range(2):
        await PLAIN.problem_of(llm)
    assert (await PLAIN.ask(llm)).text == "You said: Hello"


async def test_an_answer_makes_up_for_earlier_failures(chain: Chain, provider: Provider, second: Provider) -> None:
    provider.will(Fails(500), Fails(500), Answer(), Fails(500), Fails(500), Answer("at last"))
    llm = chain(provider, second)
    answers = [(await PLAIN.ask(llm)).provider for _ in range(6)]
    assert answers == ["second", "second", "first", "second", "second", "first"]


async def test_one_outage_that_many_notice_is_one_failure(chain: Chain, provider: Provider, second: Provider) -> None:
    gate = asyncio.Event()
    provider.rule = lambda body: Streams([], gate) if not gate.is_set() else None
    llm = chain(provider, second)
    turns = asyncio.gather(*(PLAIN.ask(llm) for _ in range(10)))
    await provider.called(10)
    gate.set()
    assert {completion.provider for completion in await turns} == {"second"}
    assert (await PLAIN.ask(llm)).provider == "first"


async def test_requests_that_are_refused_say_nothing_about_a_provider(
    chain: Chain, provider: Provider, second: Provider
) -> None:
    provider.will(*[Fails(400)] * 5)
    llm = chain(provider, second)
    answers = [(await PLAIN.ask(llm)).provider for _ in range(6)]
    assert answers == ["second"] * 5 + ["first"]
