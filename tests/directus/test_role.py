"""What Directus may do with our tables, whatever somebody clicks or sends there."""

import asyncpg
import pytest

from backend.database import Database
from backend.settings import Settings
from directus.reading import Panel
from directus.role import apply_role
from tests.backend.chat.conversation import Person
from tests.directus.conftest import PASSWORD, Operator

OWNED = """
select relname from pg_class where pg_get_userbyid(relowner) = 'directus' and relnamespace = 'public'::regnamespace
"""
SCHEMAS = "select nspname from pg_namespace where pg_get_userbyid(nspowner) = 'directus'"


async def test_a_second_time_changes_nothing(settings: Settings, panel: Panel, role_password: str) -> None:
    assert not await apply_role(settings.database_url.get_secret_value(), role_password, panel)


async def test_a_new_password_is_taken(
    settings: Settings, panel: Panel, role_password: str, operator: Operator
) -> None:
    url = settings.database_url.get_secret_value()
    assert await apply_role(url, "another", panel)
    await (await asyncpg.connect(url, user="directus", password="another")).close()
    assert await apply_role(url, PASSWORD, panel)


async def test_it_owns_its_schema_and_nothing_of_ours(operator: Operator) -> None:
    assert await operator.run(OWNED) == []
    assert [row["nspname"] for row in await operator.run(SCHEMAS)] == ["directus"]


async def test_what_a_migration_forgot_to_take_back_is_taken_back(
    settings: Settings, panel: Panel, pool: Database, operator: Operator
) -> None:
    await pool.run("grant update on messages to directus")
    assert await apply_role(settings.database_url.get_secret_value(), PASSWORD, panel)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await operator.run("update messages set turn_id = null")


FORBIDDEN = [
    "select sealed_token from bots",
    "select * from bots",
    "select content from documents",
    "select content from run_files",
    "select * from words",
    "select code from admissions",
    "update bots set slug = 'x'",
    "update chat_sessions set user_id = 'x'",
    "update chat_sessions set last_position = 0",
    "update messages set role = 'system'",
    "update messages set position = 1",
    "update conversation_summaries set version = 7",
    "update confirmations set state = 'confirmed'",
    "update skill_calls set arguments = '{}'",
    "update deliveries set state = 'sent'",
    "insert into bots (slug, name) values ('x', 'x')",
    "insert into messages (session_id, content, role) select id, 'x', 'user' from chat_sessions",
    "insert into messages (session_id, content, position) select id, 'x', 1 from chat_sessions",
    "delete from bots",
    "delete from llm_calls",
    "delete from skill_calls",
    "truncate messages",
    "alter table messages add column hacked text",
    "alter table messages drop column tokens",
    "drop table embeddings",
    "drop function memory_scope",
    "create trigger mine after insert on messages for each row execute function say()",
    "create table directus.mine (id int);"
    " create trigger t after insert on directus.mine for each statement execute function forget_words()",
    "create schema mine",
    "create role mine",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_it_is_refused_what_no_operator_may_do(anna: Person, operator: Operator, statement: str) -> None:
    await anna.says("Hello")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await operator.connection.execute(statement)


async def test_a_run_can_be_cancelled_and_nothing_else(anna: Person, db: Database, operator: Operator) -> None:
    session_id = (await anna.says("Hello")).session_id
    await db.run(
        "insert into agent_runs"
        " (session_id, kind, title, request, max_model_calls, max_tool_calls, max_tokens, max_minutes)"
        " values ($1, 'agent', 'Run', 'Run', 1, 1, 1, 1)",
        session_id,
    )
    with pytest.raises(asyncpg.CheckViolationError, match="can only be cancelled"):
        await operator.run("update agent_runs set status = 'completed'")
    await operator.run("update agent_runs set status = 'cancelled'")
    with pytest.raises(asyncpg.CheckViolationError, match="can only be cancelled"):
        await operator.run("update agent_runs set status = 'pending'")
