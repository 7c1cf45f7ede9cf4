"""Runs as they begin: stored with the turn that asks for them, by the statement that closes it."""

from typing import Any
from uuid import UUID

from backend.agents.types import Ordered
from backend.database import Database


def insert_run(turn: str, ordered: str) -> str:
    """SQL that stores the run of a jsonb expression, for a relation that has the `id` and `session_id` of a turn.

    It is two steps of a larger statement: `run`, which has the `id`, and `step`.
    """
    return f"""
    run as (
        insert into agent_runs (session_id, turn_id, id, kind, target, title, request,
            max_model_calls, max_tool_calls, max_tokens, max_minutes)
        select {turn}.session_id, {turn}.id, ordered.*
        from {turn} cross join jsonb_to_record({ordered}::jsonb) as ordered (
            id uuid, kind text, target text, title text, request text,
            max_model_calls int, max_tool_calls int, max_tokens int, max_minutes int
        )
        returning id
    ), step as (
        insert into run_steps (run_id, id, position, kind, agent, action, queue, depends_on)
        select run.id, ordered.* from run cross join jsonb_to_recordset({ordered}::jsonb -> 'steps') as ordered (
            id uuid, position int, kind text, agent text, action text, queue text, depends_on int[]
        )
        returning id
    )
    """


def as_row(ordered: Ordered) -> dict[str, Any]:
    """What `insert_run` takes."""
    return {
        "id": ordered.id,
        "kind": ordered.kind,
        "target": ordered.target,
        "title": ordered.title,
        "request": ordered.request,
        "steps": [{"position": position, **step} for position, step in enumerate(ordered.steps, 1)],
        **ordered.limits,
    }


def due(ordered: Ordered) -> list[tuple[str, UUID]]:
    """The steps that can begin at once, by their queue and id."""
    return [(step["queue"], step["id"]) for step in ordered.steps if not step["depends_on"]]


UNFINISHED = """
select count(*) from agent_runs run join chat_sessions session on session.id = run.session_id
join bots bot on bot.id = session.bot_id
where run.status in ('pending', 'running', 'waiting') and session.user_id = $2 and bot.slug = $1
"""


async def unfinished_of(db: Database, bot: str, user_id: str) -> int:
    """How many runs a person has under way with a bot, in whichever chats."""
    [row] = await db.run(UNFINISHED, bot, user_id)
    unfinished: int = row["count"]
    return unfinished
