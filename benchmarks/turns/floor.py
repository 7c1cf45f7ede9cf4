"""The least that a durable turn can cost: one statement, one call of the model, one statement.

`DATABASE_URL=… MODEL_URL=http://127.0.0.1:9100/v1 uvicorn benchmarks.turns.floor:app`. It answers as the backend does,
but has no framework, no ORM, no SDK, no limits, no checks, and forgets nothing. Its tables are in the schema `floor`.
"""

import os
from typing import Any

import aiohttp
import asyncpg
import orjson

SCHEMA = """
create schema if not exists floor;
create table if not exists floor.sessions (
    id bigserial primary key, user_id text not null, chat_id text not null,
    messages_since_summary int not null default 0, unique (chat_id, user_id));
create table if not exists floor.messages (
    id bigserial primary key, session_id bigint not null references floor.sessions,
    role text not null, content text not null, created_at timestamptz not null default now());
create index if not exists messages_of_session on floor.messages (session_id, id desc);
"""
OPEN = "insert into floor.sessions (user_id, chat_id) values ($1, $2) on conflict do nothing"
READ = """
select session.id, recent.role, recent.content
from floor.sessions session left join lateral (
    select id, role, content from floor.messages where session_id = session.id order by id desc limit 8) recent on true
where session.user_id = $1 and session.chat_id = $2
order by recent.id
"""
WRITE = """
with said as (
    insert into floor.messages (session_id, role, content) values ($1, 'user', $2), ($1, 'assistant', $3))
update floor.sessions set messages_since_summary = messages_since_summary + 2 where id = $1
"""
PERSONA = {"role": "system", "content": "You are a helpful assistant."}
JSON = {"Content-Type": "application/json"}


class Floor:
    """An ASGI application with one endpoint, whatever its path."""

    pool: asyncpg.Pool
    http: aiohttp.ClientSession

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._respond(receive, send)

    async def _respond(self, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event.get("more_body", False)
        reply = orjson.dumps({"text": await self._turn(orjson.loads(body)), "type": "message"})
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": reply})

    async def _turn(self, asked: dict[str, str]) -> str:
        who = asked["user_id"], asked["chat_id"]
        rows = await self.pool.fetch(READ, *who)
        if not rows:
            await self.pool.execute(OPEN, *who)
            rows = await self.pool.fetch(READ, *who)
        said = [{"role": row["role"], "content": row["content"]} for row in rows if row["role"]]
        answer = await self._ask([PERSONA, *said, {"role": "user", "content": asked["text"]}])
        await self.pool.execute(WRITE, rows[0]["id"], asked["text"], answer)
        return answer

    async def _ask(self, messages: list[dict[str, str]]) -> str:
        body = orjson.dumps({"model": "chat", "messages": messages})
        async with self.http.post(os.environ["MODEL_URL"] + "/chat/completions", data=body) as response:
            answer: str = orjson.loads(await response.read())["choices"][0]["message"]["content"]
            return answer

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self.http = aiohttp.ClientSession(headers=JSON, connector=aiohttp.TCPConnector(limit=0))
        self.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=4, max_size=16)
        await self.pool.execute(SCHEMA)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.http.close()
        await self.pool.close()
        await send({"type": "lifespan.shutdown.complete"})


app = Floor()
