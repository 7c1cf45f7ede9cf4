"""The statements of a turn's life, each a transaction of its own; `turns.py` says when."""

from itertools import product

from backend.agents.ordering import insert_run
from backend.chat.presence import CHANNEL, INTERRUPTED, OWNER_IS_GONE
from backend.gateway import insert_route
from backend.llm.calls import insert_calls
from backend.memory import insert_promises, known_of
from backend.memory.transcript import past_in_group, past_of

# What memory may hold beside the session.
BESIDE = """
cross join lateral (
    select exists (select from chat_sessions where scope = session.scope and id <> session.id)
        or exists (select from documents where scope in (session.scope, bot.scope)) as more
) remembers
"""
# What a search begins with, where there will be one, as far as that can be told here.
KNOWN = f"""
left join lateral (
    select * from ({known_of("array[session.scope, bot.scope]")}) known
    where remembers.more or past.version is not null
) memory on true
"""


def _accept(past: str, *, remembers: bool, turn: str = "", values: str = "", steps: str = "", told: str) -> str:
    """SQL that accepts a message and reads its past; the other arguments are what not every turn has."""
    # Even what is never executed has to be made ready: 50 µs in every turn without memory.
    known, memory = ("memory.*", KNOWN) if remembers else ("null::int as known_pieces", "")
    return f"""
with bot as (
    select id, name, persona, llm_chain, max_concurrent_turns, memory_scope(id, 'bot', '', '', '') as scope
    from bots where slug = $1 and enabled
), known as (
    select id, last_position from chat_sessions
    where chat_id = $2 and thread_id = $3 and user_id = $4 and bot_id = (select id from bot) and is_active
), session as (
    insert into chat_sessions as session
        (bot_id, chat_id, thread_id, user_id, chat_type, language, last_position, messages_since_summary)
    select bot.id, $2, $3, $4, $5, $6, 2, 1 from bot
    on conflict (chat_id, user_id, thread_id, bot_id) where is_active do update set
        last_position = session.last_position + 2,
        messages_since_summary = session.messages_since_summary + 1,
        language = coalesce(nullif(excluded.language, ''), session.language)
    returning id, last_position - 1 as position, scope, mode
), turn as (
    insert into turns (id, session_id, key, owner, position, finished_at, status{turn})
    -- Where the row's lock was waited for, this statement sees an older past than the one it has now: another turn may
    -- have been accepted meanwhile. Then it waits as well, and looks again.
    select $7, session.id, $8, $9, session.position, case when mode = 'human' then now() end, case
        when mode = 'human' then 'human'
        when coalesce((select last_position from known), 0) <> session.position - 1
            or exists (select from turns where session_id = session.id and status in ('waiting', 'open'))
        then 'waiting' else 'open' end{values}
    from session returning session_id, position, status
), message as (
    insert into messages (session_id, turn_id, position, role, speaker, content, tokens)
    select session_id, $7, position, 'user', $15, $10, $11 from turn returning id, session_id, role, speaker
), promised as ({insert_promises("message", 13)}){steps}
select turn.session_id, turn.position, turn.status, bot.persona, bot.name, bot.llm_chain, bot.max_concurrent_turns,
    session.scope, bot.scope as bot_scope, past.*, remembers.more as remembers_more, {known}, {told}
from turn cross join session cross join bot left join known on true
cross join lateral ({past}) past {BESIDE} {memory}
"""


PAST = past_of("known.id", before="turn.position", limit="$12")
PAST_IN_GROUP = past_in_group("known.id", scope="session.scope", but="session.id", before="turn.position", limit="$12")

# This commit does not wait for the disk: nobody is told of it before the turn is closed, which brings both there.
# If it is lost with Postgres, there is nothing to be closed, and the client asks again.
UNTOLD = "set_config('synchronous_commit', 'off', true)"

# Who is told at once that the message is stored may count on it. What the person said a moment before, and what is
# unanswered, the answer to this message answers too.
MERGE = f""", merged as (
    update turns set status = 'merged', finished_at = now() from session
    where session_id = session.id and turns.position < session.position and delivers and not stopping
        and status in ('waiting', 'open') and turns.created_at > now() - interval '1 second'
    returning turns.id
), interrupted as (select pg_notify('{INTERRUPTED}', id::text) from merged)"""


def _accepting(*, delivers: bool, in_group: bool, remembers: bool) -> str:
    past = PAST_IN_GROUP if in_group else PAST
    if not delivers:
        return _accept(past, remembers=remembers, told=UNTOLD)
    told = "(select count(*) from interrupted)"
    turn, values = ", delivers, reply_to", ", true, $16"
    return _accept(past, remembers=remembers, turn=turn, values=values, steps=MERGE, told=told)


# By whether the turn delivers, whether it is in a group, and whether anything is remembered.
ACCEPTING = {
    (delivers, in_group, remembers): _accepting(delivers=delivers, in_group=in_group, remembers=remembers)
    for delivers, in_group, remembers in product((False, True), repeat=3)
}

FIND = """
select turn.id, turn.session_id, turn.position, turn.attempt, turn.status, turn.delivers, turn.model,
    bot.persona, bot.name, bot.llm_chain, session.scope, memory_scope(bot.id, 'bot', '', '', '') as bot_scope,
    question.content as question, answer.content as answer, run.id as run_id, route.outcome
from turns turn join chat_sessions session on session.id = turn.session_id join bots bot on bot.id = session.bot_id
left join messages question on question.session_id = turn.session_id and question.position = turn.position
left join messages answer on answer.session_id = turn.session_id and answer.position = turn.position + 1
left join agent_runs run on run.turn_id = turn.id left join routes route on route.turn_id = turn.id
where turn.key = $1
"""

OPEN = """
update turns set status = 'open'
where id = $1 and attempt = $2 and status = 'waiting' and not stopping and not exists (
    select from turns earlier where earlier.session_id = turns.session_id
        and earlier.position < turns.position and earlier.status in ('waiting', 'open')
)
returning id
"""

STILL_WAITING = "select from turns where id = $1 and attempt = $2 and status = 'waiting'"

# The message moves to the end: what was said since is older now, and the summary may reach beyond its old place.
REOPEN = """
with session as (
    update chat_sessions set last_position = last_position + 2
    where id = (select session_id from turns where id = $1 and attempt = $2 and status = 'failed')
    returning last_position - 1 as position, mode
), turn as (
    update turns set status = case mode when 'human' then 'human' else 'waiting' end, attempt = attempt + 1,
        owner = $3, position = session.position,
        problem = null, finished_at = case mode when 'human' then now() end
    from session where id = $1 and attempt = $2 and status = 'failed'
    returning turns.position, attempt
), moved as (
    update messages set position = turn.position from turn where turn_id = $1 and role = 'user'
)
select position, attempt from turn
"""

# Told to the other processes only when somebody waits: NOTIFY makes commits queue up. The session is a parameter, not
# the turn's column, so that its index is looked up: a join would read all unfinished turns, and many just finished.
TELL_WAITING = f"""
select pg_notify('{CHANNEL}', $3::text) from turn
where exists (select from turns where session_id = $3::uuid and status = 'waiting')
"""


def _deliver(kind: str, content: str, run: str = "null::uuid") -> str:
    """SQL that leaves the end of a `turn` as a delivery."""
    return f""", delivery as (
    insert into deliveries (bot_id, turn_id, run_id, chat_id, thread_id, user_id, reply_to, language, kind, content)
    select bot_id, turn.id, {run}, chat_id, thread_id, user_id, turn.reply_to, language, {kind}, {content}
    from turn join chat_sessions talk on talk.id = turn.session_id
)"""


def _close(steps: str, *, only_if: str = "") -> str:
    """SQL that records an answer; `steps` are what not every turn has, `only_if` what not every one depends on.

    The session's row is locked before the turn's, as accepting and `REOPEN` do it: another order would be a deadlock.
    """
    return f"""
with session as (
    update chat_sessions set
        messages_since_summary = messages_since_summary + 1,
        summary_asked_at = case
            -- Messages that wait are counted, but cannot be folded in yet: see memory/folding.py.
            when $10 > 0 and ($11 or messages_since_summary + 1 >= $10 + (
                    select count(*) from turns where session_id = $3 and status = 'waiting'
                ))
                and (summary_asked_at is null or summary_asked_at < now() - make_interval(secs => $12))
            then now() else summary_asked_at end
    where id = $3
        and exists (select from turns where session_id = $3 and id = $1 and attempt = $2 and status = 'open'{only_if})
    returning id, summary_asked_at is not distinct from now() as due, scope
), turn as (
    update turns set status = $18, finished_at = now(), model = $6, milliseconds = $7, window_tokens = $8,
        summary_version = $9, recalled = $17
    from session
    where turns.session_id = $3 and turns.id = $1 and attempt = $2 and status = 'open'{only_if}
    returning turns.id, session_id, position, reply_to, session.due
), message as (
    insert into messages (session_id, turn_id, position, role, speaker, content, tokens, model)
    select session_id, $1, position + 1, 'assistant', $16, $4, $5, $6 from turn returning id, session_id, role, speaker
), promised as ({insert_promises("message", 14)}), calls as ({insert_calls("turn", "$13")}){steps},
told as ({TELL_WAITING})
select due, (select count(*) from told) from turn
"""


ROUTED = f""", routed as ({insert_route("turn", "$19")})"""
ORDERED = f", {insert_run('turn', '$20')}"


def _closing(*, delivers: bool, routed: bool, ordered: bool) -> str:
    if ordered:  # what was stopped a moment ago begins nothing; a word too many does no harm
        delivered = _deliver("'run'", "null", "(select id from run)") if delivers else ""
        return _close(ROUTED + ORDERED + delivered, only_if=" and not stopping")
    return _close((_deliver("'answer'", "null") if delivers else "") + (ROUTED if routed else ""))


# By whether the turn delivers, whether it was decided what its message asks for, and whether that is a run.
CLOSING = {
    (delivers, routed, ordered): _closing(delivers=delivers, routed=routed, ordered=ordered)
    for delivers, (routed, ordered) in product((False, True), ((False, False), (True, False), (True, True)))
}


def _end(steps: str) -> str:
    """SQL that ends a turn without an answer; `steps` are what not every turn has."""
    return f"""
with turn as (
    update turns set status = $6, finished_at = now(), problem = $4
    where session_id = $3 and id = $1 and attempt = $2 and status in ('waiting', 'open')
    returning id, session_id, reply_to
), calls as ({insert_calls("turn", "$5")}){steps}, told as ({TELL_WAITING})
select (select count(*) from told) from turn
"""


END = _end("")
END_TO_DELIVER = _end(_deliver("case $6 when 'stopped' then 'answer' else 'problem' end", "$4"))

IS_STOPPING = "select from turns where id = $1 and attempt = $2 and status = 'open' and stopping"

FAIL_ORPHANS = f"""
with orphan as (
    update turns set status = 'failed', finished_at = now(), problem = $1
    where status in ('waiting', 'open') and not delivers and {OWNER_IS_GONE}
    returning session_id
)
select session_id, pg_notify('{CHANNEL}', session_id::text) from orphan
"""
