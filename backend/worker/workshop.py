"""Puts together what carries steps of runs out; only a worker that has one to do imports it, for it is heavy."""

from backend.agents.thinking import Thinking
from backend.agents.workshop import Rules, Workshop
from backend.bootstrap import Backend


def make_workshop(backend: Backend) -> Workshop:
    settings, mind = backend.settings, Thinking(backend.llm)
    rules = Rules(
        autonomous=settings.autonomous_mode,
        iterations=settings.max_iterations,
        quality=settings.quality_threshold,
        confirmation_seconds=settings.confirmation_timeout_minutes * 60,
        workspaces=settings.workspaces,
    )
    return Workshop(backend.db, backend.jobs, mind, backend.skills, backend.memory.promise, rules)
