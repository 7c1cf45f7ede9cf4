"""What semantic memory promises to find: the pieces of a message, stored together with it."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.database import Database, Record
from backend.memory.importance import importance
from backend.memory.pieces import pieces

# So many messages are promised at once.
BATCH = 256
# The sweep looks at so many of the newest messages each time, and at so many of all the others in turn.
NEWEST, STEP = 1_000, 5_000


@dataclass(frozen=True, slots=True)
class Promise:
    """The pieces of a message, and what each is worth."""

    pieces: Sequence[str]
    worth: Sequence[float]


NOTHING = Promise((), ())


def promise(role: str, text: str) -> Promise:
    cut = pieces(text)
    return Promise(cut, [importance(role, piece) for piece in cut])


def insert_promises(message: str, first: int) -> str:
    """SQL that stores a promise for a message just inserted, within a statement that has a `session` with its scope.

    `message` yields id, session_id, role and speaker; the `first` parameter holds the pieces, the next their worth.
    """
    return f"""
        insert into embeddings (scope, session_id, message_id, piece, role, speaker, content, importance)
        select session.scope, message.session_id, message.id, cut.number - 1, message.role, message.speaker,
            cut.piece, cut.worth
        from session cross join {message} message
        cross join unnest(${first}::text[], ${first + 1}::float8[]) with ordinality as cut (piece, worth, number)
    """


CHANGED = """
select id, role, content from messages
where id in (select message_id from embeddings where piece < 0 limit $1)
"""

# What the assistant is told and what tools say is not remembered, nor is whitespace.
MISSING = r"""
select id, role, content from messages
where id > $1 and id <= $2 and role in ('user', 'assistant') and content ~ '\S'
    and not exists (select from embeddings where message_id = messages.id)
order by id limit $3
"""

NEWEST_ID = "select coalesce(max(id), 0) as id from messages"
STEP_END = "select max(id) as id from (select id from messages where id > $1 order by id limit $2) step"

# A message that is being changed is waited for; if it is then another, it is left to the next time.
PROMISE = """
with said as (
    select message.id, message.session_id, session.scope, message.role, message.speaker, message.created_at
    from unnest($1::bigint[], $2::text[]) as seen (id, content)
    join messages message on message.id = seen.id and message.content = seen.content
    join chat_sessions session on session.id = message.session_id
    for share of message
), uncut as (
    delete from embeddings using said where message_id = said.id and piece < 0
)
insert into embeddings (scope, session_id, message_id, piece, role, speaker, content, importance, created_at)
select said.scope, said.session_id, said.id, cut.number, said.role, said.speaker, cut.piece, cut.worth, said.created_at
from said join unnest($3::bigint[], $4::int[], $5::text[], $6::float8[]) as cut (message_id, number, piece, worth)
    on cut.message_id = said.id
on conflict (message_id, piece) do nothing
"""


async def promise_changed(db: Database) -> None:
    """Cut what a trigger promised as a whole, because its message was changed behind our back."""
    while rows := await db.run(CHANGED, BATCH):
        await _promise(db, rows)


async def promise_missing(db: Database, *, after: int) -> int:
    """Promise what never was, among the newest messages and a step of the others; returns where the step ended.

    Such messages were inserted by others, or said while nothing was remembered. At the end of all messages it is 0.
    """
    newest = (await db.run(NEWEST_ID))[0]["id"]
    await _promise_between(db, newest - NEWEST, newest)
    end = (await db.run(STEP_END, after, STEP))[0]["id"]
    if end is None:
        return 0
    await _promise_between(db, after, end)
    return int(end)


async def _promise_between(db: Database, after: int, end: int) -> None:
    while rows := await db.run(MISSING, after, end, BATCH):
        await _promise(db, rows)
        after = rows[-1]["id"]


async def _promise(db: Database, rows: Sequence[Record]) -> None:
    cut = [
        (row["id"], number, piece, worth)
        for row in rows
        for promised in [promise(row["role"], row["content"])]
        for number, (piece, worth) in enumerate(zip(promised.pieces, promised.worth, strict=True))
    ]
    columns = [list(column) for column in zip(*cut, strict=True)] or [[], [], [], []]
    await db.run(PROMISE, [row["id"] for row in rows], [row["content"] for row in rows], *columns)
