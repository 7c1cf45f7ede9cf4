"""What is remembered of this person: searched, added to as the assistant's own note, and forgotten piece by piece."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from backend.agents.skills.skill import Context, Danger, Failed, Preview, Refused, Result, Skill
from backend.database import Database
from backend.memory import Memory
from backend.memory.choosing import Chosen, choose, forget, own
from backend.memory.notes import keep_note
from backend.memory.recollection import NOTHING, quote

ORIGIN = "the memory of earlier conversations"
LONGEST_NOTE, MOST_FORGOTTEN = 2_000, 20
# So much of each thing a person is shown, and how much more there is; in characters.
LONGEST_SHOWN = 600
RUSSIAN = {
    "Remember a note": "Запомнить заметку",
    "Forget": "Забыть",
    "Note of the assistant, from": "Заметка ассистента, источник:",
}

# Of the session, but for the message that the run answers and what came after it.
PLACE = """
select session.scope, memory_scope(session.bot_id, 'bot', '', '', '') as of_all, coalesce((
    select message.position from agent_runs run join messages message on message.turn_id = run.turn_id
    where run.id = $2 and message.session_id = session.id and message.role = 'user'
), 9223372036854775807) as before
from chat_sessions session where session.id = $1
"""


class Question(BaseModel):
    """What a model gives."""

    query: str = Field(min_length=1, max_length=1_000, description="What it should be about, in the person's words")


class Note(BaseModel):
    """What a model gives."""

    text: str = Field(min_length=1, max_length=LONGEST_NOTE, description="A whole sentence that can be found later")
    source: str = Field(min_length=1, max_length=200, description="Where it is from: the person, an address, a file")


class Handles(BaseModel):
    """What a model gives."""

    handles: list[str] = Field(
        min_length=1, max_length=MOST_FORGOTTEN, description="As memory_search shows them, such as m17-0f3a9c2b"
    )


class MemorySearch(Skill[Question]):
    name = "memory_search"
    family = "memory"
    description = (
        "Searches what this person said and was told earlier, and their documents."
        " What stands in brackets is a handle for memory_forget."
    )
    parameters = Question

    def __init__(self, db: Database, memory: Memory) -> None:
        self._db = db
        self._memory = memory

    def unavailable(self) -> str:
        return "" if self._memory.remembers else "RAG_ENABLED is false: nothing can be found"

    async def run(self, params: Question, context: Context) -> Result:
        place = await self._db.run(PLACE, context.session_id, context.run_id)
        if not place:
            raise Failed("the conversation is gone")
        scopes, not_in = (context.scope, place[0]["of_all"]), (context.session_id, place[0]["before"])
        found = await self._memory.find(params.query, scopes, not_in=not_in)
        messages = [passage.message_id for passage in found.passages if passage.message_id]
        documents = [passage.document_id for passage in found.passages if passage.document_id]
        handles = await self._handles(messages, documents, context)
        quoted = [
            handles.get(passage.message_id or passage.document_id, "") + quote(passage) for passage in found.passages
        ]
        return Result("\n\n".join(([NOTHING] if found.strength == "none" else []) + quoted), origin=ORIGIN)

    async def _handles(
        self, messages: Sequence[int], documents: Sequence[UUID], context: Context
    ) -> Mapping[int | UUID | None, str]:
        theirs = await own(self._db, messages, documents, context.scope, context.user_id)
        return {one.id: f"[{one.handle}] " for one in theirs}


class MemoryRemember(Skill[Note]):
    name = "memory_remember"
    family = "memory"
    description = "Keeps a note for later conversations, as the assistant's own, with its source."
    parameters = Note
    danger = Danger.CONFIRM

    def __init__(self, db: Database, memory: Memory) -> None:
        self._db = db
        self._memory = memory

    def unavailable(self) -> str:
        return "" if self._memory.remembers else "RAG_ENABLED is false: nothing can be found"

    async def preview(self, params: Note, context: Context) -> Preview:
        return Preview(_words("Remember a note", context), _as_kept(params, context))

    async def run(self, params: Note, context: Context) -> Result:
        if not await keep_note(self._db, context.session_id, _as_kept(params, context)):
            raise Failed("the conversation is gone")
        return Result("The note is kept.")


class MemoryForget(Skill[Handles]):
    name = "memory_forget"
    family = "memory"
    description = "Deletes messages and documents of this person from memory, by the handles that memory_search shows."
    parameters = Handles
    danger = Danger.CONFIRM

    def __init__(self, db: Database) -> None:
        self._db = db

    async def weigh(self, params: Handles, context: Context) -> Danger:
        await self._chosen(params, context)
        return self.danger

    def grants(self, params: Handles) -> str | None:
        """Each thing is asked about."""
        return None

    async def preview(self, params: Handles, context: Context) -> Preview:
        chosen = await self._chosen(params, context)
        return Preview(f"{_words('Forget', context)} ({len(chosen)})", "\n\n".join(map(_shown, chosen)))

    async def run(self, params: Handles, context: Context) -> Result:
        chosen = await self._chosen(params, context)
        count = await forget(self._db, chosen, context.scope, context.user_id)
        return Result(f"{count} of {len(chosen)} are deleted from memory.")

    async def _chosen(self, params: Handles, context: Context) -> Sequence[Chosen]:
        chosen = await choose(self._db, params.handles, context.scope, context.user_id)
        if missing := sorted(set(params.handles) - {one.handle for one in chosen}):
            raise Refused(f"not there, changed since, or not this person's own: {', '.join(missing)}")
        return chosen


def memory_skills(db: Database, memory: Memory) -> list[Skill[Any]]:
    return [MemorySearch(db, memory), MemoryRemember(db, memory), MemoryForget(db)]


def _as_kept(note: Note, context: Context) -> str:
    """It says first that it is nobody's own word."""
    source = " ".join(note.source.split())
    return f"[{_words('Note of the assistant, from', context)} {source}]\n{note.text.strip()}"


def _shown(one: Chosen) -> str:
    rest = len(one.content) - LONGEST_SHOWN
    said = one.content if rest <= 0 else f"{one.content[:LONGEST_SHOWN]}… (+{rest})"
    return f"{one.said_at:%Y-%m-%d %H:%M} {one.speaker or one.role}:\n{said}"


def _words(english: str, context: Context) -> str:
    return RUSSIAN[english] if context.language.startswith("ru") else english
