"""What semantic memory found for a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from backend.memory.retrieval.scoring import Strength

# By meaning needs an embedder and a vector store; when either is missing or away, words alone must do.
By = Literal["meaning and words", "words"]


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a message or document, word for word; `why` holds the parts that add up to `score`."""

    embedding_id: int
    message_id: int | None
    document_id: UUID | None
    session_id: UUID | None
    role: str
    speaker: str
    content: str
    said_at: datetime
    score: float
    why: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """Passages, best first; `strength` tells how likely the best of them is about the question at all."""

    passages: Sequence[Passage]
    strength: Strength
    by: By

    def record(self) -> dict[str, Any]:
        """What is kept with a turn: enough to tell later what an answer was made from."""
        passages = [
            {"embedding_id": passage.embedding_id, "message_id": passage.message_id, "score": round(passage.score, 3)}
            for passage in self.passages
        ]
        return {"strength": self.strength, "by": self.by, "passages": passages}
