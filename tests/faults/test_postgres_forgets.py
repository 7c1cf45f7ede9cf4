"""Postgres dies before an accepted message is on disk: nobody was told of it, and it is asked again."""

import asyncio
import os
import signal
from contextlib import suppress

from tests.faults.house import House
from tests.faults.people import Person
from tests.faults.test_postgres_dies import assert_clear
from tests.processes import in_time
from tests.simulators.provider import Answer


async def test_an_accepted_message_that_postgres_forgot_is_answered_when_it_is_asked_again(
    house: House, anna: Person
) -> None:
    gate = asyncio.Event()
    house.provider.will(Answer(gate=gate))
    writer = await house.tables.wal_writer()
    os.kill(writer, signal.SIGSTOP)  # nothing but a waiting commit reaches the disk now
    asking = asyncio.ensure_future(anna.asks(house.first, "one", "the key"))
    await in_time(house.provider.called())
    await house.tables.accepted(anna, 1)
    async with house.postgres_away():
        with suppress(ProcessLookupError):
            os.kill(writer, signal.SIGKILL)
    assert await house.tables.said(anna) == [], "it was on disk: this shows nothing"
    gate.set()
    told = await asking
    assert_clear(told)
    assert told.status == 503
    await house.tables.present(2)
    assert await anna.says(house.second, "one", "the key") == "You said: one"
    assert await house.tables.said(anna) == ["one", "You said: one"]
