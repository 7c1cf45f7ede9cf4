"""What was kept: what the tables say about a person, who has one session here, or about everybody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from backend.chat.presence import LOCK_SPACE
from backend.database import Database, Record
from tests.faults.people import Person
from tests.processes import until

OF_SESSION = "where session_id = (select id from chat_sessions where user_id = $1)"

DELIVERED = """
select delivery.kind, coalesce(delivery.content, message.content) as text, turn.attempt
from deliveries delivery join turns turn on turn.id = turn_id
left join messages message on message.turn_id = turn.id and role = 'assistant'
where delivery.user_id = $1 order by turn.position
"""


class Tables:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def transcript(self, person: Person) -> list[tuple[str, str]]:
        rows = await self._db.run(f"select role, content from messages {OF_SESSION} order by position", person.name)
        return [(row["role"], row["content"]) for row in rows]

    async def said(self, person: Person) -> list[str]:
        """The transcript without the roles."""
        return [content for _, content in await self.transcript(person)]

    async def session(self, person: Person) -> Record:
        return (await self._db.run("select * from chat_sessions where user_id = $1", person.name))[0]

    async def turns(self, person: Person) -> list[Record]:
        return await self._db.run(f"select * from turns {OF_SESSION} order by position", person.name)

    async def versions(self, person: Person) -> list[int]:
        """Those of the summaries that are stored."""
        rows = await self._db.run(
            f"select version from conversation_summaries {OF_SESSION} order by version", person.name
        )
        return [row["version"] for row in rows]

    async def summary_calls(self, person: Person) -> list[str]:
        """How each call for a summary ended."""
        statement = f"select outcome from llm_calls {OF_SESSION} and purpose = 'summary' order by id"
        return [row["outcome"] for row in await self._db.run(statement, person.name)]

    async def accepted(self, person: Person, count: int) -> None:
        """Returns once so many of a person's messages are stored."""

        async def are() -> bool:
            return len(await self.turns(person)) >= count

        await until(are, pause=0.01)

    async def summarized(self, person: Person, version: int = 1) -> None:
        """Returns once there is this version."""

        async def is_there() -> bool:
            return version in await self.versions(person)

        await until(is_there)

    async def summary_settled(self, person: Person) -> None:
        """Returns once no summary is wanted."""

        async def is_settled() -> bool:
            return (await self.session(person))["summary_asked_at"] is None

        await until(is_settled)

    async def delivered(self, person: Person, count: int) -> list[Record]:
        """What has become of so many turns, in the order of the messages; returns once all have ended."""

        async def are() -> list[Record]:
            rows = await self._db.run(DELIVERED, person.name)
            return rows if len(rows) >= count else []

        return await until(are)

    async def let_a_second_pass(self, person: Person) -> None:
        """What was said before is no longer said in one breath with what comes."""
        await self._db.run(f"update turns set created_at = created_at - interval '2 seconds' {OF_SESSION}", person.name)

    async def spend_attempts(self, person: Person, count: int) -> None:
        """So many attempts at what is unfinished have failed before."""
        await self._db.run(f"update turns set attempt = $2 {OF_SESSION} and finished_at is null", person.name, count)

    async def finished(self) -> None:
        """Returns once no turn is waiting or open."""

        async def are() -> bool:
            return not await self._db.run("select from turns where status in ('waiting', 'open')")

        await until(are)

    async def forget_unfinished(self) -> None:
        """What a test that failed has left behind is not the next one's business."""
        await self._db.run("delete from turns where status in ('waiting', 'open')")

    async def add_bot(self, slug: str, persona: str) -> None:
        await self._db.run("insert into bots (slug, name, persona) values ($1, $1, $2)", slug, persona)

    async def present(self, count: int) -> None:
        """Returns once so many backends show that they are alive."""

        async def are() -> bool:
            return len(await self._db.run("select from pg_locks where classid = $1 and granted", LOCK_SPACE)) >= count

        await until(are)

    async def repeated_parts(self) -> dict[str, int]:
        """By answer, how many parts were sent once more, as they might have been on their way at a kill."""
        rows = await self._db.run("""
            select answer.content, sum(repeated)::int as parts from deliveries delivery
            join messages answer on answer.turn_id = delivery.turn_id and answer.role = 'assistant' group by 1
        """)
        return {row["content"]: row["parts"] for row in rows}

    async def wal_writer(self) -> int:
        """The process of Postgres that brings to disk what no commit waits for."""
        rows = await self._db.run("select pid from pg_stat_activity where backend_type = 'walwriter'")
        pid: int = rows[0]["pid"]
        return pid

    async def stopped(self, count: int) -> None:
        """Returns once so many statements wait for a lock."""

        async def are() -> bool:
            return len(await self._db.run("select from pg_stat_activity where wait_event_type = 'Lock'")) == count

        await until(are)

    async def pieces(self, document_id: UUID) -> list[Record]:
        """What memory has of a document."""
        return await self._db.run("select * from embeddings where document_id = $1 order by piece", document_id)

    async def let_documents_be_due(self) -> None:
        """The sweep takes whatever is not read by now for lost."""
        await self._db.run("update documents set due_at = now() - interval '1 hour'")

    async def let_an_hour_pass(self, person: Person) -> None:
        """If a summary is still wanted, it was asked for that long ago: the sweep takes it for lost."""
        await self._db.run(
            "update chat_sessions set summary_asked_at = summary_asked_at - $2::interval where user_id = $1",
            person.name,
            timedelta(hours=1),
        )

    @asynccontextmanager
    async def holding(self, statement: str, *arguments: Any) -> AsyncIterator[None]:
        """The locks that a statement takes; what it does is undone at the end."""
        connection = await self._db.connect()
        try:
            await connection.execute("begin")
            await connection.execute(statement, *arguments)
            yield
        finally:
            await connection.close()
