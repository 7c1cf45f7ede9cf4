"""What people see of runs beside words: cards that go on changing after they were sent, and files."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from backend.database import Database, Record

Told: TypeAlias = "Record | dict[str, Any]"

WORDS = ("answer", "problem", "notice")
# Of what a step is to do, a card shows the first line: what somebody else has written may follow.
LONGEST_ACTION = 200
NAME = f"left(split_part(ltrim(action, E' \\n'), E'\\n', 1), {LONGEST_ACTION})"

RUN = f"""
select jsonb_build_object(
    'run_id', run.id, 'status', run.status, 'title', run.title,
    'skippable', run.status in ('pending', 'running', 'waiting') and 1 < (
        select count(*) from run_steps where run_id = run.id and kind = 'act' and status <> 'replaced'
    ),
    'steps', (
        select coalesce(jsonb_agg(jsonb_build_object(
            'position', position, 'kind', kind, 'name', {NAME}, 'agent', agent, 'status', status
        ) order by position), '[]') from run_steps where run_id = run.id and status <> 'replaced'
    )
) from agent_runs run where run.id = delivery.run_id
"""
CONFIRMATION = """
select jsonb_build_object(
    'id', id, 'run_id', run_id, 'kind', kind, 'skill', skill, 'title', title, 'detail', detail, 'state', state,
    'always', always, 'grants', grants is not null, 'expires_at', expires_at, 'answered_via', answered_via
) from confirmations where id = delivery.confirmation_id
"""
FILE = """
select jsonb_build_object('file_id', id, 'name', name, 'media_type', media_type, 'size', size)
from run_files where id = delivery.file_id
"""
CARD = f"case delivery.kind when 'run' then ({RUN}) when 'confirmation' then ({CONFIRMATION}) else ({FILE}) end"

# What most deliveries do not have, and therefore no statement of a turn reads. A result is the message of its run.
REST = f"""
select delivery.id, case when delivery.kind <> 'answer' then {CARD} end as card,
    case when delivery.kind = 'answer' then (select content from messages where run_id = delivery.run_id) end as text
from deliveries delivery where delivery.id = any($1::bigint[])
"""

CHANGED = f"""
select delivery.id, bot.slug as bot, delivery.kind, delivery.chat_id, delivery.thread_id, delivery.user_id,
    delivery.language, coalesce(said.content, '') as text, bot.max_answer_length as max_length, {CARD} as card,
    delivery.changed, coalesce(delivery.message_ids[cardinality(delivery.message_ids)], '') as message_id
from pollers poller cross join lateral (
    select * from deliveries
    where bot_id = poller.bot_id and changed > shown and state = 'sent' and changed > $2 order by changed limit $3
) delivery join bots bot on bot.id = delivery.bot_id
left join messages said on said.turn_id = delivery.turn_id and said.role = 'assistant'
where poller.relay = $1 and poller.lease_until > now() order by delivery.changed limit $3
"""

SHOW = """
update deliveries set shown = least($3, changed)
where id = $1 and shown < least($3, changed) and exists (
    select from pollers where bot_id = deliveries.bot_id and relay = $2 and lease_until > now()
)
returning id
"""

CONTENT = """
select file.content from deliveries delivery join run_files file on file.id = delivery.file_id where delivery.id = $1
"""


async def complete(db: Database, rows: Sequence[Record]) -> list[Told]:
    """The deliveries with what belongs to runs: cards, and the words of results."""
    wanted = [row["id"] for row in rows if _of_a_run(row)]
    if not wanted:
        return list(rows)
    found = {row["id"]: row for row in await db.run(REST, wanted)}
    return [_completed(row, found.get(row["id"])) for row in rows]


def _of_a_run(row: Record) -> bool:
    return row["id"] is not None and (row["kind"] not in WORDS or (row["kind"] == "answer" and row["turn_id"] is None))


def _completed(row: Record, rest: "Record | None") -> Told:
    if rest is None:
        return row
    return dict(row) | {"card": rest["card"]} | ({} if rest["text"] is None else {"text": rest["text"]})
