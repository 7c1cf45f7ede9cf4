"""Puts together what carries steps of runs out; only a worker that has one to do imports it, for it is heavy."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.agents.skills import Means, Skills, shipped, sources
from backend.agents.thinking import Thinking
from backend.agents.workshop import Rules, Workshop
from backend.bootstrap import Backend
from backend.settings import Settings


@asynccontextmanager
async def open_workshop(backend: Backend) -> AsyncIterator[Workshop]:
    """With everything that agents can do here, which is let go at the end."""
    means = Means(backend.settings, backend.db, backend.memory)
    skills = Skills(shipped(means), sources(means))
    try:
        yield Workshop(
            backend.db,
            backend.jobs,
            Thinking(backend.llm),
            skills,
            backend.memory.promise,
            rules_of(backend.settings),
        )
    finally:
        await skills.close()


def rules_of(settings: Settings) -> Rules:
    return Rules(
        autonomous=settings.autonomous_mode,
        iterations=settings.max_iterations,
        quality=settings.quality_threshold,
        confirmation_seconds=settings.confirmation_timeout_minutes * 60,
        workspaces=settings.workspaces,
    )
