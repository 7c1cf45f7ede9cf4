"""A person in a test: says things, and looks at what was kept."""

from dataclasses import dataclass, replace
from uuid import UUID, uuid4, uuid5

from backend.bootstrap import Backend
from backend.chat import Asked, Reply
from backend.llm.tokens import count_tokens

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Person:
    """Talks to a backend from one chat."""

    backend: Backend
    user_id: str = "anna"
    chat_id: str = "anna"
    bot: str = "default"
    thread_id: str = ""
    chat_type: str = "private"
    user_name: str = ""

    def asked(self, text: str, key: str | None = None, *, language: str = "") -> Asked:
        return Asked(
            bot=self.bot, chat_id=self.chat_id, thread_id=self.thread_id, user_id=self.user_id,
            user_name=self.user_name, chat_type=self.chat_type,
            language=language, text=text, tokens=count_tokens(text), key=uuid5(NOBODY, key or str(uuid4())),
        )  # fmt: skip

    async def says(self, text: str, key: str | None = None, *, language: str = "") -> Reply:
        return await self.backend.chat.take_turn(self.asked(text, key, language=language))

    def talking_to(self, backend: Backend) -> "Person":
        return replace(self, backend=backend)

    async def transcript(self) -> list[tuple[str, str]]:
        """Everything that was said in all of this person's sessions: role and content."""
        rows = await self.backend.db.run(
            "select role, content from messages join chat_sessions session on session.id = session_id"
            " where user_id = $1 and chat_id = $2 order by session.created_at, position",
            self.user_id, self.chat_id,
        )  # fmt: skip
        return [(row["role"], row["content"]) for row in rows]
