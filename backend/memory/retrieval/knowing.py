"""What is known of a memory without reading it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.database import Database, Record


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a memory before it is searched; `language` is that of its newest session."""

    scopes: Sequence[UUID]
    pieces: int
    length: float
    speakers: Sequence[str]
    language: str

    @property
    def mean_length(self) -> float:
        return self.length / self.pieces if self.pieces else 0.0


def known_of(scopes: str) -> str:
    """SQL of one row, read by `as_known`: what is known of the memory in these scopes, an array."""
    return f"""
        select known.*, coalesce((
            select language from chat_sessions where scope = any({scopes}) order by created_at desc limit 1
        ), '') as known_language
        from (
            select coalesce(sum(pieces), 0)::int as known_pieces, coalesce(sum(length), 0)::float8 as known_length,
            array(
                select distinct speaker from scopes cross join unnest(speakers) speaker where id = any({scopes})
            ) as known_speakers
            from scopes where id = any({scopes})
        ) known
    """


KNOW = known_of("$1::uuid[]")


async def know(db: Database, scopes: Sequence[UUID]) -> Known:
    known = as_known((await db.run(KNOW, scopes))[0], scopes)
    assert known
    return known


def as_known(row: Record, scopes: Sequence[UUID]) -> Known | None:
    """None if it was not looked up."""
    if row["known_pieces"] is None:
        return None
    return Known(scopes, row["known_pieces"], row["known_length"], row["known_speakers"], row["known_language"])
