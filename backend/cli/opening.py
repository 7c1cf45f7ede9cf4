"""The backend for a command that is over in a moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from backend.bootstrap import Backend, open_backend
from backend.settings import Settings


class _LeftToTheSweep:
    """Calls for nobody: a command need not know the broker, and what is to be done is found within seconds."""

    def summarize_session(self, session_id: UUID) -> None:
        return

    def index(self) -> None:
        return

    def read_document(self, document_id: UUID) -> None:
        return

    def advance(self, queue: str, step_id: UUID) -> None:
        return


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Backend]:
    """Everything but the broker. Raises as `open_backend`."""
    async with open_backend(settings, _LeftToTheSweep()) as backend:
        yield backend
