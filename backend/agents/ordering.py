"""Runs as they begin: stored with the turn that asks for them, by the statement that closes it."""

from typing import Any
from uuid import UUID

from backend.agents.types import Ordered
from backend.database import Transaction


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


# Of a person with a bot one run begins after the other, in whichever chats: the next one sees this one.
LOCK_SPACE = 0x7118
ONE_AFTER_THE_OTHER = f"""
select pg_advisory_xact_lock({LOCK_SPACE}, hashtext(bot_id || ' ' || user_id)) from chat_sessions where id = $1
"""
UNFINISHED = """
select count(*) from chat_sessions own
join chat_sessions session on session.bot_id = own.bot_id and session.user_id = own.user_id
join agent_runs run on run.session_id = session.id
where own.id = $1 and run.status in ('pending', 'running', 'waiting')
"""


class TooManyRuns(Exception):
    """The person has so many `runs` under way with the bot, which is as many as can be at once."""

    def __init__(self, runs: int) -> None:
        super().__init__(runs)
        self.runs = runs


async def check_room(tx: Transaction, session_id: UUID, at_once: int) -> None:
    """Until the transaction ends, nobody else begins a run of the session's person. Raises `TooManyRuns`."""
    await tx.execute(ONE_AFTER_THE_OTHER, session_id)
    runs: int = await tx.fetchval(UNFINISHED, session_id)
    if runs >= at_once:
        raise TooManyRuns(runs)
