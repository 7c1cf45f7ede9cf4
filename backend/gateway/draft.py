"""What is known of an answer while it is being written."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from backend.agents.types import Ordered
from backend.gateway.route import Route
from backend.llm import Call, ChatMessage, Show
from backend.memory import Past


@dataclass(frozen=True, slots=True)
class Question:
    """A message that a model is to answer: what was said before, and what the model is shown for a plain answer.

    `user_id` asks it, in `language`. `scope` is whose memory the session is part of; `chain` is the bot's, if it has
    its own.
    """

    bot: str
    user_id: str
    language: str
    scope: UUID
    text: str
    past: Past
    messages: Sequence[ChatMessage]
    chain: str


@dataclass(slots=True)
class Draft:
    """An answer that is being written: since when, what people have seen of it, what it has cost, and its route.

    What is `ordered` begins when it is recorded. Until then nobody sees the `words` of our own that tell of it, below
    what the model `said` before.
    """

    show: Show | None
    began: float = field(default_factory=time.monotonic)
    shown: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    route: Route | None = None
    ordered: Ordered | None = None
    said: str = ""
    words: str = ""

    @property
    def text(self) -> str:
        """What tells of a run that begins, or does not."""
        return "\n\n".join(part for part in (self.said, self.words) if part)

    def show_words(self) -> None:
        if self.words and (show := self.showing(after=self.said)):
            show(self.words)

    def showing(self, *, after: str = "") -> Show | None:
        """What shows the next pieces, below what was said before."""
        if (show := self.show) is None:
            return None
        begun = not after

        def show_piece(piece: str) -> None:
            nonlocal begun
            piece, begun = piece if begun else f"\n\n{piece}", True
            self.shown.append(piece)
            show(piece)

        return show_piece

    def milliseconds(self) -> int:
        return round((time.monotonic() - self.began) * 1000)
