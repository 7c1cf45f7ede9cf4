"""How often a person, or everybody together, may write to a bot: the generic cell rate algorithm (ITU-T I.371).

A row keeps one moment: until when what was sent would fill the time at the allowed pace. It may be a minute ahead, so
as many messages as are allowed in a minute may come at once, and then one whenever the pace has room for it.
"""

import math
from uuid import UUID

from backend.database import Database
from backend.errors import TooMany

# One statement: of messages that come at once, each waits for the row, and looks at what the one before made of it.
# By the time of looking: by its own beginning, who began first and came second would be too early by that much.
TAKE = """
insert into rates as rate (key, full_until) values ($1, now() + interval '1 minute' / $2::int)
on conflict (key) do update
set full_until = greatest(rate.full_until, clock_timestamp()) + interval '1 minute' / $2::int
where rate.full_until <= clock_timestamp() + ($2::int - 1) * (interval '1 minute' / $2::int)
returning key
"""
WAIT = """
select extract(epoch from full_until - now() - ($2::int - 1) * (interval '1 minute' / $2::int))::float8 as seconds
from rates where key = $1
"""
FORGET = "delete from rates where full_until < now()"
ONCE = "insert into rates (key, full_until) values ($1, to_timestamp($2)) on conflict do nothing returning key"


class TooManyMessages(TooMany):
    """Too many messages in a minute."""

    def __init__(self, retry_after: float, of: str) -> None:
        """`of` tells whose they are: a `person`'s, or everybody's to this `bot`."""
        seconds = max(1, math.ceil(retry_after))
        super().__init__(f"try again in {seconds} s", retry_after=seconds, of=of)
        self.members["retry_after"] = seconds


async def take(db: Database, bot: UUID, user_id: str, *, of_person: int, of_bot: int) -> None:
    """Counts a message; limits are per minute, and 0 is none. Raises `TooManyMessages`.

    One that is too many for the bot has counted for its person: else who repeats it at once would keep others out.
    """
    for key, limit, of in _counters(bot, user_id, of_person, of_bot):
        if wait := await count(db, key, limit):
            raise TooManyMessages(wait, of)


async def count(db: Database, key: str, limit: int) -> float:
    """Counts one more of what may come so often in a minute; 0, or the seconds until it may if it is too many."""
    if await db.run(TAKE, key, limit):
        return 0.0
    waits: list[float] = [row["seconds"] for row in await db.run(WAIT, key, limit)]
    return max(0.001, *waits)


async def use_up(db: Database, key: str, until: int) -> bool:
    """Whether this is the first use of what is good for one use, and over at a moment of Unix time."""
    return bool(await db.run(ONCE, key, until))


async def check(db: Database, bot: UUID, user_id: str, *, of_person: int, of_bot: int) -> None:
    """As `take`, but nothing is counted."""
    for key, limit, of in _counters(bot, user_id, of_person, of_bot):
        for row in await db.run(WAIT, key, limit):
            if row["seconds"] > 0:
                raise TooManyMessages(row["seconds"], of)


def _counters(bot: UUID, user_id: str, of_person: int, of_bot: int) -> list[tuple[str, int, str]]:
    """What counts a message: key, limit, and whose it is; without those that have no limit."""
    both = (f"{bot} {user_id}", of_person, "person"), (str(bot), of_bot, "bot")
    return [counter for counter in both if counter[1]]


async def forget_old(db: Database) -> None:
    """A moment that has passed means the same as none."""
    await db.run(FORGET)
