"""What a test wants to know of the promises, and of how they were kept."""

from dataclasses import dataclass

from backend.database import Database
from backend.memory.indexing import OpenIndex, VectorIndexes
from tests.simulators.embeddings import vector_of


@dataclass(frozen=True, slots=True)
class Looking:
    db: Database
    indexes: VectorIndexes

    async def index(self, state: str = "active") -> OpenIndex:
        return next(one for one in await self.indexes.all() if one.state == state)

    async def promised(self) -> list[str]:
        """The texts that should be found, in order."""
        rows = await self.db.run("select content from embeddings order by message_id, piece")
        return [row["content"] for row in rows]

    async def pending(self) -> list[str]:
        """Those that wait for their vectors."""
        rows = await self.db.run("select content from embeddings where indexed_at is null order by message_id, piece")
        return [row["content"] for row in rows]

    async def wordless(self) -> int:
        """How many cannot be found by their words yet."""
        return len(await self.db.run("select from embeddings where length is null"))

    async def vectors(self, state: str = "active") -> list[str]:
        """The texts that have a vector, in order; a vector without a text is a '?'."""
        one = await self.index(state)
        ids = await one.store.ids(one.index, after=0, limit=100_000)
        rows = await self.db.run("select id, content from embeddings where id = any($1::bigint[])", ids)
        texts = {row["id"]: row["content"] for row in rows}
        return [texts.get(id, "?") for id in ids]

    async def nearest(self, question: str) -> str:
        """The text whose vector is nearest, in everybody's memory."""
        one = await self.index()
        scopes = [row["scope"] for row in await self.db.run("select distinct scope from embeddings")]
        vector = vector_of(question, one.index.dimensions)[None, :]
        [[(id, _), *_]] = await one.store.search(one.index, vector, scopes, 3)
        return str((await self.db.run("select content from embeddings where id = $1", id))[0]["content"])

    async def states(self) -> list[tuple[str, str]]:
        """The vector indexes, oldest first: state and embedder."""
        rows = await self.db.run("select state, embedder from vector_indexes order by id")
        return [(row["state"], row["embedder"]) for row in rows]

    async def time_out_leases(self) -> None:
        """As after a while in which a killed process has renewed nothing."""
        await self.db.run("update vector_indexes set indexing_until = now() - interval '1 second'")
