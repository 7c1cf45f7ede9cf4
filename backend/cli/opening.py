"""The backend for a command that is over in a moment."""

import argparse
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import UUID

from backend.agents.skills.mcp.configured import McpServersInvalid
from backend.bootstrap import Backend, open_backend
from backend.cli.telling import carried_out
from backend.llm.catalog import ChainInvalid
from backend.llm.prices import PricesInvalid
from backend.settings import Settings

Work: TypeAlias = Callable[[Backend, argparse.Namespace], Awaitable[int]]


class NotClear(Exception):
    """What was typed names nothing, or several things."""


def perform(settings: Settings, asked: argparse.Namespace) -> int:
    """The exit status of the `work` that is asked for: 1, with a sentence, if something is not well."""
    return carried_out(_work(settings, asked))


async def _work(settings: Settings, asked: argparse.Namespace) -> int:
    work: Work = asked.work
    async with _opened(settings) as backend:
        try:
            return await work(backend, asked)
        except NotClear as problem:
            print(problem, file=sys.stderr)
            return 1


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
async def _opened(settings: Settings) -> AsyncIterator[Backend]:
    """Everything but the broker. Ends the command, with a sentence, if a setting cannot be read."""
    try:
        async with open_backend(settings, _LeftToTheSweep()) as backend:
            yield backend
    except (ChainInvalid, PricesInvalid, McpServersInvalid) as mistake:
        sys.exit(f"A setting cannot be read: {mistake}. `llmbot doctor` looks at all of them.")
