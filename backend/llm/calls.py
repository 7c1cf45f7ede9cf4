"""How calls are recorded: as a part of whatever transaction records what came of them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from backend.database import Transaction
from backend.llm.types import Call


def insert_calls(session: str, calls: str) -> str:
    """SQL that records the calls of a jsonb expression for the session of a relation that has a `session_id`."""
    return f"""
        insert into llm_calls
            (session_id, purpose, provider, model, tokens_in, tokens_out, tokens_cached, cost, milliseconds, outcome)
        select session_id, call.* from {session} cross join jsonb_to_recordset({calls}::jsonb) as call (
            purpose text, provider text, model text, tokens_in int, tokens_out int, tokens_cached int, cost numeric,
            milliseconds int, outcome text
        )
    """


INSERT_CALLS = insert_calls("(select (select id from chat_sessions where id = $1) as session_id) as of_session", "$2")


def as_rows(calls: Sequence[Call]) -> list[dict[str, Any]]:
    """The calls as the jsonb that `insert_calls` reads."""
    return [call.row() for call in calls]


async def record_calls(tx: Transaction, session_id: UUID | None, calls: Sequence[Call]) -> None:
    """Of no session, if what they were made for comes before it is known, or it was deleted meanwhile."""
    await tx.execute(INSERT_CALLS, session_id, as_rows(calls))
