"""What an answer was made from, as it was recorded with it: decision, window, passages, calls, and its run."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.database import Database, Record
from backend.errors import NotFound


class TurnNotFound(NotFound):
    """No such turn."""


TURN = """
select turn.id, turn.session_id, turn.status, turn.problem, turn.attempt, turn.model, turn.milliseconds,
    turn.window_tokens, turn.summary_version, turn.recalled, turn.created_at, turn.finished_at,
    answer.tokens as answer_tokens, summary.content as summary, summary.facts
from turns turn
left join messages answer on answer.turn_id = turn.id and answer.role = 'assistant'
left join conversation_summaries summary
    on summary.session_id = turn.session_id and summary.version = turn.summary_version
where turn.id = $1
"""
ROUTE = """
select strategy, target, parameters, why, mode, model, milliseconds, outcome from routes where turn_id = $1
"""
# They are recorded by the very statement that ends the turn, and so at the same moment.
CALLS = """
select call.purpose, call.provider, call.model, call.tokens_in, call.tokens_out, call.tokens_cached,
    call.cost::float8 as cost, call.milliseconds, call.outcome
from turns turn join llm_calls call on call.session_id = turn.session_id and call.created_at = turn.finished_at
where turn.id = $1 order by call.id
"""
# In the order in which they were found; what was deleted since has no content.
PASSAGES = """
select found.place, (found.passage->>'score')::float8 as score, embedding.content, embedding.role, embedding.speaker,
    coalesce(message.created_at, document.created_at) as said_at, document.name as document, message.session_id
from turns turn cross join jsonb_array_elements(turn.recalled->'passages') with ordinality as found (passage, place)
left join embeddings embedding on embedding.id = (found.passage->>'embedding_id')::bigint
left join messages message on message.id = embedding.message_id
left join documents document on document.id = embedding.document_id
where turn.id = $1 order by found.place
"""
RUN = """
select id, kind, target, title, status, model_calls, tool_calls, tokens, milliseconds, result, problem
from agent_runs where turn_id = $1
"""
STEPS = """
select step.position, step.kind, step.agent, step.action, step.status, step.depends_on, step.result, step.problem
from run_steps step join agent_runs run on run.id = step.run_id where run.turn_id = $1 order by step.position
"""


@dataclass(frozen=True, slots=True)
class Origin:
    """Of one turn: its row, and the rows that came with it."""

    turn: Record
    route: "Record | None"
    calls: Sequence[Record]
    passages: Sequence[Record]
    run: "Record | None"
    steps: Sequence[Record]


async def origin_of(db: Database, turn_id: UUID) -> Origin:
    """Raises `TurnNotFound`."""
    rows = await db.run(TURN, turn_id)
    if not rows:
        raise TurnNotFound
    routes, runs = await db.run(ROUTE, turn_id), await db.run(RUN, turn_id)
    return Origin(
        turn=rows[0],
        route=routes[0] if routes else None,
        calls=await db.run(CALLS, turn_id),
        passages=await db.run(PASSAGES, turn_id) if rows[0]["recalled"] else [],
        run=runs[0] if runs else None,
        steps=await db.run(STEPS, turn_id) if runs else [],
    )
