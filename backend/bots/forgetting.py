"""What is kept of a person outside of his sessions: what was to be handed to him, and that he asked to be let in."""

from dataclasses import dataclass

from backend.database import Database


@dataclass(frozen=True, slots=True)
class Traces:
    """The ids of what was deleted, or lost the person's name."""

    deliveries: list[int]
    admissions: list[int]


# What the owner decided stays: else who was refused could ask again, and who was let in would have to. The owner's own
# notice tells the name as well.
FORGET = """
with bot as (
    select id from bots where $2::text is null or slug = $2
), told as (
    delete from deliveries where bot_id in (select id from bot)
        and (user_id = $1 or kind = 'notice' and starts_with(key, 'admit:' || $1 || ':')) returning id
), asked as (
    delete from admissions where bot_id in (select id from bot) and user_id = $1 and state = 'asked' returning id
), decided as (
    update admissions set user_name = ''
    where bot_id in (select id from bot) and user_id = $1 and state <> 'asked' and user_name <> '' returning id
), counted as (
    delete from rates where key in (select id || ' ' || $1 from bot)
)
select array(select id from told) as deliveries,
    array(select id from asked union all select id from decided) as admissions
"""
LEFT = """
select (select count(*) from deliveries where id = any ($1::bigint[]))
    + (select count(*) from admissions where id = any ($2::bigint[]) and (state = 'asked' or user_name <> '')) as rows
"""


async def forget_person(db: Database, user_id: str, bot: str | None) -> Traces:
    """By one bot, or by all."""
    [row] = await db.run(FORGET, user_id, bot)
    return Traces(row["deliveries"], row["admissions"])


async def traces_left(db: Database, traces: Traces) -> int:
    """How many rows are still there, or still tell the name."""
    return int((await db.run(LEFT, traces.deliveries, traces.admissions))[0]["rows"])
