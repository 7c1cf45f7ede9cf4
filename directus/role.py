"""The role in Postgres that Directus works as: it owns its own schema, and of ours may do what the panel says.

Core, the free licence of Directus, knows no permissions by column. These grants are them, and they hold against
everybody in Directus, administrators included: no click there can drop a column, or read a token.
"""

from collections.abc import Iterator

import asyncpg

from directus.reading import Panel, Table

ROLE = "directus"
SCHEMA = "directus"

# No dashboard, over however many years, keeps turns waiting for longer.
MAKE = f"""
create role {ROLE} login noinherit password {{password}};
alter role {ROLE} set statement_timeout = '30s';
alter role {ROLE} set idle_in_transaction_session_timeout = '30s';
"""
BELONG = f"grant {ROLE} to {{us}};"

US = """
select quote_ident(rolname) as us, rolsuper, rolsuper or rolcreaterole as may from pg_roles where rolname = current_user
"""

# All that the role may do with our tables, as one text; `*` is a whole table.
HELD = """
with role as (select oid from pg_roles where rolname = $1)
select string_agg(held, E'\\n' order by held) from (
    select format('%s %s(*)', privilege_type, relname) as held
    from pg_class cross join lateral aclexplode(relacl)
    where relnamespace = 'public'::regnamespace and grantee = (select oid from role)
    union all
    select format('%s %s(%s)', privilege_type, relname, attname)
    from pg_attribute join pg_class on pg_class.oid = attrelid cross join lateral aclexplode(attacl)
    where relnamespace = 'public'::regnamespace and grantee = (select oid from role)
) privileges
"""


class RoleMissing(Exception):
    """The role is not there, and may not be made by who we are."""

    def __init__(self, statements: str) -> None:
        super().__init__(f"A superuser of your Postgres has to say, once, with DIRECTUS_DB_PASSWORD:\n{statements}")


async def apply_role(url: str, password: str, panel: Panel) -> bool:
    """Make the role and its schema, and let it do what the panel says; false if all of that was so already.

    Raises `RoleMissing`, with what a superuser has to say.
    """
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            made = await _make_role(connection, password)
            held = await connection.fetchval(HELD, ROLE)
            for statement in grants(panel):
                await connection.execute(statement)
            changed = made or held != await connection.fetchval(HELD, ROLE)
        if not await _lets_in(url, password):
            await connection.execute(f"alter role {ROLE} password {_quoted(password)}")
            changed = True
    finally:
        await connection.close()
    return changed


async def _make_role(connection: "asyncpg.Connection[asyncpg.Record]", password: str) -> bool:
    if await connection.fetchval("select oid from pg_roles where rolname = $1", ROLE):
        return False
    us = await connection.fetchrow(US)
    assert us
    if not us["may"]:
        raise RoleMissing(MAKE.format(password="'…'") + BELONG.format(us=us["us"]))
    await connection.execute(MAKE.format(password=_quoted(password)))
    if not us["rolsuper"]:
        await connection.execute(BELONG.format(us=us["us"]))
    return True


async def _lets_in(url: str, password: str) -> bool:
    try:
        connection = await asyncpg.connect(url, user=ROLE, password=password)
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError):
        return False
    await connection.close()
    return True


def grants(panel: Panel) -> Iterator[str]:
    """SQL after which the role may do what the panel says, and nothing else."""
    yield f"create schema if not exists {SCHEMA} authorization {ROLE}"
    yield f"revoke all on all tables in schema public from {ROLE}"
    yield f"grant usage on schema public to {ROLE}"
    for table in panel.tables.values():
        yield from _grants_of(table)


def _grants_of(table: Table) -> Iterator[str]:
    yield f"grant select ({', '.join(table.fields)}) on {table.key} to {ROLE}"
    if table.anyone_may("update"):
        yield f"grant update ({', '.join(table.changeable)}) on {table.key} to {ROLE}"
    if table.anyone_may("create"):
        yield f"grant insert ({', '.join(table.insertable)}) on {table.key} to {ROLE}"
    if table.anyone_may("delete"):
        yield f"grant delete on {table.key} to {ROLE}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
