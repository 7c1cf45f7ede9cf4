"""Decisions as rows: stored with their turn, listed, and corrected by an operator."""

from collections.abc import Sequence
from uuid import UUID

from backend.database import Database, Page, Record, as_page
from backend.errors import Invalid, NotFound
from backend.gateway.categorizer import Example
from backend.memory import SessionNotFound

# Of a long message the beginning tells which one is meant.
MESSAGE_SHOWN = 500
MOST_EXAMPLES = 5


class RouteNotFound(NotFound):
    """No such decision."""


class TargetUnknown(Invalid):
    """The bot has no such macro, or no such agent."""


def insert_route(turn: str, route: str) -> str:
    """SQL that records the route of a jsonb expression for a relation that has the `id` and `session_id` of a turn."""
    return f"""
        insert into routes
            (turn_id, session_id, strategy, target, parameters, why, mode, model, milliseconds, outcome)
        select id, session_id, route.* from {turn} cross join jsonb_to_record({route}::jsonb) as route (
            strategy text, target text, parameters jsonb, why text, mode text, model text, milliseconds int,
            outcome text
        )
    """


SELECT = f"""
select route.id, route.turn_id, left(message.content, {MESSAGE_SHOWN}) as message, route.strategy, route.target,
    route.parameters, route.why, route.mode, route.model, route.milliseconds, route.outcome, route.corrected_strategy,
    route.corrected_target, route.corrected_at, route.created_at
from routes route left join messages message on message.turn_id = route.turn_id and message.role = 'user'
"""
LIST = f"{SELECT} where route.session_id = $1 and ($2::bigint is null or route.id < $2) order by route.id desc limit $3"
GET = f"{SELECT} where route.id = $1"
IS_SESSION = "select from chat_sessions where id = $1"


def _is_there(table: str, named: str) -> str:
    """SQL that finds what the bot of a route has, of its own or as every bot."""
    return f"""
        select from routes route join chat_sessions session on session.id = route.session_id
        join {table} target on {named} and (target.bot_id is null or target.bot_id = session.bot_id)
        where route.id = $1
    """


# A plan needs somebody who carries it out.
IS_THERE = {
    "macro": _is_there("macros", "target.slug = $2"),
    "agent": _is_there("agents", "target.slug = $2"),
    "dynamic": _is_there("agents", "$2::text is null and target.enabled"),
}
CORRECT = """
update routes set corrected_strategy = $2, corrected_target = $3, corrected_at = now() where id = $1 returning id
"""
# Only of the same memory: what one person said is nothing that another one's router may be shown.
EXAMPLES = f"""
select message.content as message, route.corrected_strategy as strategy, route.corrected_target as target
from routes route join chat_sessions session on session.id = route.session_id
join messages message on message.turn_id = route.turn_id and message.role = 'user'
where session.scope = $1 and route.corrected_at is not null
order by route.corrected_at desc limit {MOST_EXAMPLES}
"""


async def list_routes(db: Database, session_id: UUID, *, after: int | None, limit: int) -> Page:
    """The decisions about a session's messages, newest first. Raises `SessionNotFound`."""
    page = as_page(await db.run(LIST, session_id, after, limit + 1), limit)
    if not page.items and not await db.run(IS_SESSION, session_id):
        raise SessionNotFound
    return page


async def correct_route(db: Database, id: int, strategy: str, target: str | None) -> Record:
    """Note what would have been right. Raises `RouteNotFound`, `TargetUnknown`."""
    [*found] = await db.run(GET, id)
    if not found:
        raise RouteNotFound
    target = target if strategy in ("macro", "agent") else None
    needed = IS_THERE.get(strategy)
    if needed and not (await db.run(needed, id, target)):
        raise TargetUnknown
    if not await db.run(CORRECT, id, strategy, target):
        raise RouteNotFound
    return (await db.run(GET, id))[0]


async def examples_of(db: Database, scope: UUID) -> Sequence[Example]:
    """The newest corrections in a memory."""
    return [Example(row["message"], row["strategy"], row["target"]) for row in await db.run(EXAMPLES, scope)]
