"""On whose behalf tests use skills."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from backend.agents.skills.skill import Context

NOBODY = UUID(int=0)
CONTEXT = Context(
    bot="default",
    user_id="42",
    chat_id="42",
    thread_id="",
    scope=NOBODY,
    session_id=NOBODY,
    run_id=NOBODY,
    step_id=NOBODY,
    language="en",
    workspace=Path("/nowhere"),
    words="",
    shown="",
)


def context(**changed: Any) -> Context:
    return replace(CONTEXT, **changed)
