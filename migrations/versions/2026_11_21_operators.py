"""What operators change in the panel takes effect: by triggers, whoever it is that writes."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

STATUSES = "'waiting', 'open', 'answered', 'stopped', 'merged', 'failed'"
UNFINISHED = "('pending', 'running', 'waiting')"

# About what backend/llm/tokens.py counts, by kinds of characters: prose and code come out a tenth to a half too high.
ESTIMATED_TOKENS = r"""
create function estimated_tokens(content text) returns int language sql immutable parallel safe
return 2 + ceil(
    0.32 * length(content)
    + 0.35 * length(regexp_replace(content, '[^!-@\[-`{-~]', '', 'g'))
    + 0.3 * length(regexp_replace(content, '[\x01-\x7f]', '', 'g'))
    + 0.5 * length(regexp_replace(content, '[\x01-\u04ff]', '', 'g'))
)::int
"""

# A person answers now: whatever was being answered is left to him, and what is written by then is not recorded.
LEAVE_TO_HUMAN = """
create function leave_to_human() returns trigger language plpgsql as $$
declare
    left_to_him uuid;
begin
    for left_to_him in
        update turns set status = 'human', finished_at = now()
        where session_id = new.id and status in ('waiting', 'open') returning id
    loop
        perform pg_notify('interrupted', left_to_him::text);
    end loop;
    perform pg_notify('turns', new.id::text);
    return null;
end
$$
"""
WHEN_A_HUMAN_TAKES_OVER = """
create trigger leave_to_human after update of mode on chat_sessions for each row
when (old.mode <> 'human' and new.mode = 'human') execute function leave_to_human()
"""

MARK_CLOSED = """
create function mark_closed() returns trigger language plpgsql as $$
begin
    if new.is_active then
        new.closed_at := null;
        new.forget_at := null;
    else
        new.closed_at := coalesce(new.closed_at, now());
    end if;
    return new;
end
$$
"""
WHEN_A_SESSION_IS_CLOSED = """
create trigger mark_closed before update of is_active on chat_sessions for each row
when (old.is_active <> new.is_active) execute function mark_closed()
"""

# Every other message has its place when it is inserted: this one was written by hand, and is said now. Who talks by a
# client that is handed deliveries gets it as one; in a group it replies to what was said last.
SAY = """
create function say() returns trigger language plpgsql as $$
declare
    session chat_sessions;
    asked turns;
begin
    update chat_sessions
    set last_position = last_position + 1, messages_since_summary = messages_since_summary + 1
    where id = new.session_id returning * into session;
    update messages set position = session.last_position, tokens = estimated_tokens(content), speaker = case
        when role = 'assistant' and speaker = '' then (select name from bots where id = session.bot_id) else speaker end
    where id = new.id;
    select * into asked from turns where session_id = session.id order by position desc limit 1;
    if new.role = 'assistant' and asked.delivers then
        insert into deliveries (bot_id, key, chat_id, thread_id, user_id, reply_to, language, kind, content)
        values (
            session.bot_id, 'message:' || new.id, session.chat_id, session.thread_id, session.user_id,
            case when session.chat_type = 'private' then '' else asked.reply_to end, session.language, 'notice',
            new.content
        );
    end if;
    return null;
end
$$
"""
WHEN_SOMETHING_IS_SAID_BY_HAND = """
create trigger say after insert on messages for each row when (new.position = 0) execute function say()
"""

COUNT_TOKENS = """
create function count_tokens_anew() returns trigger language plpgsql as $$
begin
    new.tokens := estimated_tokens(new.content);
    return new;
end
$$
"""
WHEN_WORDS_CHANGE = """
create trigger count_tokens_anew before update of content on messages for each row
when (old.content <> new.content and old.tokens = new.tokens) execute function count_tokens_anew()
"""

# A summary as lines: the sentences of its story, then its facts.
SUMMARY_LINES = """
create function summary_lines(content text, facts jsonb) returns setof text language sql immutable parallel safe as $$
    select line from regexp_split_to_table(content, '(?<=[.!?…])\\s+|\\n+') line where line <> ''
    union all
    select concat_ws(': ', fact ->> 'kind', fact ->> 'text')
    from jsonb_array_elements(case jsonb_typeof(facts) when 'array' then facts else '[]' end) fact
$$
"""
SUMMARY_CHANGES = """
create function summary_changes(summary conversation_summaries) returns text language sql stable as $$
    with earlier as (
        select content, facts from conversation_summaries
        where session_id = summary.session_id and version < summary.version order by version desc limit 1
    ), gone as (
        select line, place
        from earlier, summary_lines(earlier.content, earlier.facts) with ordinality lines (line, place)
        where line not in (select summary_lines(summary.content, summary.facts))
    ), come as (
        select line, place
        from earlier, summary_lines(summary.content, summary.facts) with ordinality lines (line, place)
        where line not in (select summary_lines(earlier.content, earlier.facts))
    )
    select coalesce(string_agg(told.line, E'\\n' order by told.come, told.place), '') from (
        select '- ' || line as line, false as come, place from gone union all select '+ ' || line, true, place from come
    ) told
$$
"""
# What is edited becomes a version of its own: a summary that is being made from the words before is not stored then,
# but made anew. Of an outdated version only the words change.
EDIT_SUMMARY = """
create function edit_summary() returns trigger language plpgsql as $$
declare
    latest int;
begin
    perform from chat_sessions where id = new.session_id for no key update;
    select max(version) into latest from conversation_summaries where session_id = new.session_id;
    new.version := new.version + case when new.version = latest then 1 else 0 end;
    new.tokens := 20 + estimated_tokens(new.content || coalesce(new.facts::text, ''));
    return new;
end
$$
"""
WHEN_A_SUMMARY_IS_EDITED = """
create trigger edit_summary before update of content, facts on conversation_summaries for each row
when ((old.content, old.facts) is distinct from (new.content, new.facts)) execute function edit_summary()
"""
COMPARE_SUMMARIES = """
create function compare_summaries() returns trigger language plpgsql as $$
begin
    update conversation_summaries summary set changes = summary_changes(summary)
    where session_id = new.session_id and version >= new.version and changes <> summary_changes(summary);
    return null;
end
$$
"""
WHEN_A_SUMMARY_IS_WRITTEN = """
create trigger compare_summaries after insert or update of content, facts on conversation_summaries
for each row execute function compare_summaries()
"""

MARK_CORRECTED = """
create function mark_corrected() returns trigger language plpgsql as $$
begin
    new.corrected_at := case when new.corrected_strategy is not null then now() end;
    return new;
end
$$
"""
WHEN_A_ROUTE_IS_CORRECTED = """
create trigger mark_corrected before update of corrected_strategy, corrected_target on routes for each row
when ((old.corrected_strategy, old.corrected_target) is distinct from (new.corrected_strategy, new.corrected_target))
execute function mark_corrected()
"""

# The panel may say of a run that it is cancelled, nothing else; the sweep brings that to its end.
ONLY_CANCEL = """
create function only_cancel() returns trigger language plpgsql as $$
begin
    raise exception 'A run can only be cancelled here, while it is not over.' using errcode = 'check_violation';
end
$$
"""
WHEN_THE_PANEL_CHANGES_A_RUN = f"""
create trigger only_cancel before update of status on agent_runs for each row
when (
    current_user = 'directus' and old.status <> new.status
    and not (old.status in {UNFINISHED} and new.status = 'cancelled')
) execute function only_cancel()
"""

# They write more than who sets them off may. Nobody else may make a trigger of them.
TRUSTED = (
    *("forget_vectors", "forget_words", "renew_embedding", "promise_anew", "move_scope"),
    *("touch_card_of_agent_runs", "touch_card_of_run_steps", "touch_card_of_confirmations", "scrub_skill_call"),
    *("leave_to_human", "say", "edit_summary", "compare_summaries"),
)
TRIGGERS = {
    "chat_sessions": ("leave_to_human", "mark_closed"),
    "messages": ("say", "count_tokens_anew"),
    "conversation_summaries": ("edit_summary", "compare_summaries"),
    "routes": ("mark_corrected",),
    "agent_runs": ("only_cancel",),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("chat_sessions", sa.Column("mode", sa.Text(), server_default="bot", nullable=False))
    op.create_check_constraint(op.f("ck_chat_sessions_mode"), "chat_sessions", "mode in ('bot', 'human')")
    op.drop_constraint(op.f("ck_turns_status"), "turns")
    op.create_check_constraint(op.f("ck_turns_status"), "turns", f"status in ({STATUSES}, 'human')")
    for column, default in (("position", "0"), ("tokens", "0"), ("role", "'assistant'")):
        op.alter_column("messages", column, server_default=sa.text(default))
    op.add_column("conversation_summaries", sa.Column("changes", sa.Text(), server_default="", nullable=False))
    for statement in (
        *(ESTIMATED_TOKENS, SUMMARY_LINES, SUMMARY_CHANGES),
        *(LEAVE_TO_HUMAN, WHEN_A_HUMAN_TAKES_OVER, MARK_CLOSED, WHEN_A_SESSION_IS_CLOSED),
        *(SAY, WHEN_SOMETHING_IS_SAID_BY_HAND, COUNT_TOKENS, WHEN_WORDS_CHANGE),
        *(EDIT_SUMMARY, WHEN_A_SUMMARY_IS_EDITED, COMPARE_SUMMARIES, WHEN_A_SUMMARY_IS_WRITTEN),
        *(MARK_CORRECTED, WHEN_A_ROUTE_IS_CORRECTED, ONLY_CANCEL, WHEN_THE_PANEL_CHANGES_A_RUN),
    ):
        op.execute(statement)
    op.execute("update conversation_summaries summary set changes = summary_changes(summary)")
    for function in TRUSTED:
        op.execute(f"alter function {function}() security definer set search_path = public, pg_temp")
        op.execute(f"revoke execute on function {function}() from public")


def downgrade() -> None:
    for table, triggers in TRIGGERS.items():
        for trigger in triggers:
            op.execute(f"drop trigger {trigger} on {table}")
            op.execute(f"drop function {trigger}()")
    for function in (*("summary_changes(conversation_summaries)", "summary_lines"), "estimated_tokens"):
        op.execute(f"drop function {function}")
    for function in set(TRUSTED) - {trigger for triggers in TRIGGERS.values() for trigger in triggers}:
        op.execute(f"alter function {function}() security invoker reset search_path")
        op.execute(f"grant execute on function {function}() to public")
    op.drop_column("conversation_summaries", "changes")
    for column in ("position", "tokens", "role"):
        op.alter_column("messages", column, server_default=None)
    op.drop_constraint(op.f("ck_turns_status"), "turns")
    op.execute("update turns set status = 'stopped' where status = 'human'")
    op.create_check_constraint(op.f("ck_turns_status"), "turns", f"status in ({STATUSES})")
    op.drop_column("chat_sessions", "mode")
