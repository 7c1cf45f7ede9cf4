"""Much goes wrong, on both sides, and everybody is answered all the same."""

import asyncio
import random

import pytest

from tests.simulators.backend import BackendSimulator, cut, page
from tests.simulators.telegram import TelegramSimulator
from tests.simulators.telegram_calls import Trouble
from tests.simulators.telegram_world import Person

PEOPLE = [Person(1000 + number, f"Person {number}") for number in range(20)]
MESSAGES = 5
SHARE = 0.05


@pytest.fixture
def troubled(telegram: TelegramSimulator, backend: BackendSimulator) -> None:
    chance, ways = random.Random(7), (cut, page(429), page(500), page(502))
    backend.trouble = lambda request: chance.choice(ways)(request) if chance.random() < SHARE else None
    telegram.trouble = Trouble(SHARE)


@pytest.mark.usefixtures("troubled", "relay")
async def test_every_message_is_answered_once_and_in_order(
    telegram: TelegramSimulator, backend: BackendSimulator
) -> None:
    for number in range(MESSAGES):
        for person in PEOPLE:
            telegram.say(str(number), person=person)
    async with asyncio.timeout(60):
        for person in PEOPLE:
            answers = [(await telegram.next_message(person.id))["text"] for _ in range(MESSAGES)]
            assert answers == [f"echo {number}" for number in range(MESSAGES)]
    await backend.until_delivered(MESSAGES * len(PEOPLE))
    sent = [message for chat in telegram.world.messages.values() for message in chat.values()]
    assert len(sent) == 2 * MESSAGES * len(PEOPLE)
    await telegram.world.until(lambda: not telegram.world.updates, 60)
