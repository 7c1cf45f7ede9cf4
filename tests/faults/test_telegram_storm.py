"""Many people write to several bots, while lines fail on both sides and the relay is killed again and again."""

import asyncio
import random
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backend.local import Child, Program
from tests.faults.flaky import FlakyLine
from tests.faults.house import House
from tests.processes import BackendProcess
from tests.simulators.provider import Answer, Behaviour
from tests.simulators.telegram import TOKEN, TelegramSimulator
from tests.simulators.telegram_calls import Trouble
from tests.simulators.telegram_world import Person, World

SECRET_KEY = "a-key-for-the-storm-a-key-for-the-storm"
TOKENS = [TOKEN, "223456789:another-token-of-the-simulator", "323456789:the-third-token-of-the-simulator"]
MARK = re.compile(r"\bm\d+-\d+\b")
# What is not there by then is lost.
PATIENCE_SECONDS = 120.0
# Messages that come within a second of one another are answered together: that is another test's business.
APART_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Storm:
    """So many people write so many messages each, the last one when the relay was killed for the last time.

    It is killed so often, each time when it has been at work for so many seconds.
    """

    people: int
    messages: int
    seconds: float
    kill_after: float
    kills: int
    faults: float = 0.05


# The whole is what the documentation tells of; it takes minutes, so only `-m storm` runs it.
STORMS = [
    pytest.param(Storm(45, 4, seconds=6, kill_after=2, kills=2), id="small"),
    pytest.param(Storm(200, 5, seconds=60, kill_after=7, kills=6), id="whole", marks=pytest.mark.storm),
]


@dataclass
class Relay:
    """`python -m telegram_bot`, and how often it was killed."""

    child: Child
    kills: int = 0

    async def suffer(self, storm: Storm, telegram: TelegramSimulator) -> None:
        while self.kills < storm.kills:
            polls = len(telegram.calls("getUpdates"))
            await telegram.until_called("getUpdates", polls + 1)
            await asyncio.sleep(storm.kill_after)
            await asyncio.to_thread(self.child.kill)
            self.kills += 1
            telegram.everybody.touch()
            await asyncio.to_thread(self.child.spawn)


@dataclass
class Talk:
    """One person's with one bot: the marks that were sent, and those that came back, message by message."""

    person: Person
    world: World
    sent: list[str] = field(default_factory=list)

    @property
    def answers(self) -> Sequence[str]:
        said = self.world.messages.get(self.person.id, {}).values()
        return [message["text"] for message in said if message["from"] == self.world.me]

    @property
    def answered(self) -> list[str]:
        return [mark for answer in self.answers for mark in MARK.findall(answer)]

    @property
    def in_order(self) -> list[str]:
        """Without what came twice."""
        return list(dict.fromkeys(self.answered))


def repeat_marks(body: dict[str, Any]) -> Behaviour:
    """Everything that was said since the last answer, as a model would take it up."""
    fresh: list[str] = []
    for message in body["messages"]:
        if message["role"] == "assistant":
            fresh.clear()
        elif message["role"] == "user":
            fresh += MARK.findall(message["content"])
    return Answer(f"I have read {', '.join(fresh)}.", delay=0.05)


@asynccontextmanager
async def stormy(house: House, telegram: TelegramSimulator, logs: Path) -> AsyncIterator[tuple[FlakyLine, Relay]]:
    backend = house.backend("storm", SECRET_KEY=SECRET_KEY, MESSAGES_PER_MINUTE="0")
    await backend.start()
    try:
        await add_bots(house, backend)
        async with FlakyLine(backend.url) as line:
            told = {"SECRET_KEY": SECRET_KEY, "BACKEND_URL": line.url, "TELEGRAM_API_URL": telegram.url}
            relay = Relay(Child(Program("bot", (sys.executable, "-m", "telegram_bot"), told), logs))
            await asyncio.to_thread(relay.child.start)
            try:
                yield line, relay
            finally:
                await asyncio.to_thread(relay.child.kill)
    finally:
        await backend.kill()


async def add_bots(house: House, backend: BackendProcess) -> None:
    for number, token in enumerate(TOKENS):
        bot = {"slug": f"storm-{number}", "name": "Storm", "token": token}
        async with house.http.post(f"{backend.url}/v1/bots", json=bot) as answer:
            assert answer.status == 201, await answer.text()


async def write(talk: Talk, telegram: TelegramSimulator, storm: Storm, relay: Relay, dice: random.Random) -> None:
    """Messages over the whole time, whether the earlier ones are answered or not."""
    for number in range(storm.messages):
        longest = storm.seconds / storm.messages
        if number + 1 == storm.messages:
            await telegram.everybody.until(lambda: relay.kills == storm.kills, PATIENCE_SECONDS)
        await asyncio.sleep(dice.uniform(min(APART_SECONDS, longest), 2 * longest - min(APART_SECONDS, longest)))
        mark = f"m{talk.person.id}-{number}"
        talk.sent.append(mark)
        telegram.say(f"Please read {mark}", person=talk.person, to=talk.world)


@pytest.mark.parametrize("storm", STORMS)
async def test_every_message_is_answered_once_and_in_order(house: House, tmp_path: Path, storm: Storm) -> None:
    house.provider.rule = repeat_marks
    dice = random.Random(storm.people)
    async with TelegramSimulator() as telegram:
        worlds = [telegram.world, *(telegram.add_bot(token, f"storm_{n}_bot") for n, token in enumerate(TOKENS[1:]))]
        talks = [Talk(Person(1000 + n, f"Person {n}"), worlds[n % len(worlds)]) for n in range(storm.people)]
        async with stormy(house, telegram, tmp_path) as (line, relay), asyncio.TaskGroup() as group:
            telegram.trouble, line.share = Trouble(storm.faults), storm.faults
            group.create_task(relay.suffer(storm, telegram))
            await asyncio.gather(*(write(talk, telegram, storm, relay, dice) for talk in talks))
            await all_answered(talks)
        repeated = await house.tables.repeated_parts()
    tell(storm, talks, line, telegram, relay, sum(repeated.values()))
    assert [talk.in_order for talk in talks] == [talk.sent for talk in talks]
    assert all(MARK.search(answer) for talk in talks for answer in talk.answers), "somebody was told of a problem"
    # At a kill several parts may be on their way, each to another person: but what came again was counted, one by one.
    for answer, times in Counter(answer for talk in talks for answer in talk.answers).items():
        assert times - 1 <= repeated[answer], answer
    assert sum(world.overlaps for world in worlds) == 0


async def all_answered(talks: Sequence[Talk]) -> None:
    """Returns when they are, or when it is time to say who is not."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(len(talk.in_order) < len(talk.sent) for talk in talks):  # noqa: ASYNC110 - no event tells of it
                await asyncio.sleep(0.5)


def twice(talks: Sequence[Talk]) -> int:
    """How many answers came that had come before."""
    return sum(len(talk.answers) - len(set(talk.answers)) for talk in talks)


def tell(
    storm: Storm, talks: Sequence[Talk], line: FlakyLine, telegram: TelegramSimulator, relay: Relay, repeated: int
) -> None:
    """What the documentation quotes; pytest shows it with -s."""
    calls = len(telegram.journal)
    failed = sum(call.status != 200 for call in telegram.journal)
    print(  # noqa: T201
        f"\n{storm.people * storm.messages} messages of {storm.people} people to {len(TOKENS)} bots: "
        f"{sum(talk.in_order == talk.sent for talk in talks)} of them answered all, in order; "
        f"{twice(talks)} answers twice, {repeated} parts sent again; "
        f"{relay.kills} kills, {failed} of {calls} calls failed at Telegram, {line.faults} at the backend"
    )
