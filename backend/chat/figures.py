"""How turns fare: how many there are, how long they take, and how many fail."""

from backend.database import Database, Record

# By the index on a turn's time. Times are in seconds, from a message to the whole of its answer.
DAY = """
select count(*) as turns, count(*) filter (where status = 'failed') as failed,
    (percentile_cont(array[0.5, 0.95]) within group (order by extract(epoch from finished_at - created_at))
        filter (where status = 'answered'))::float8[] as seconds
from turns
where created_at > now() - interval '24 hours' and status not in ('waiting', 'open', 'merged')
"""
HOUR = """
select floor(extract(epoch from now() - created_at) / 60)::int as minutes_ago, count(*) as turns,
    count(*) filter (where status = 'failed') as failed
from turns where created_at > now() - interval '60 minutes' and status <> 'merged' group by 1
"""
UNFINISHED = "select count(*) as turns from turns where status in ('waiting', 'open')"


async def of_day(db: Database) -> Record:
    """Of the last 24 hours: `turns`, those of them that `failed`, and `seconds`, the median and the 95th of 100."""
    return (await db.run(DAY))[0]


async def of_hour(db: Database) -> list[tuple[int, int]]:
    """For each of the last 60 minutes, the latest last: how many turns there were, and how many of them failed."""
    minutes = {row["minutes_ago"]: (row["turns"], row["failed"]) for row in await db.run(HOUR)}
    return [minutes.get(ago, (0, 0)) for ago in reversed(range(60))]


async def unfinished(db: Database) -> int:
    """How many turns are being answered, or wait."""
    turns: int = (await db.run(UNFINISHED))[0]["turns"]
    return turns
