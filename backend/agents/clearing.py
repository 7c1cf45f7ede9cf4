"""Deletes the folders in which agents have worked for those who are forgotten."""

import asyncio
import shutil
from pathlib import Path

import structlog

from backend.database import Database

log = structlog.get_logger(__name__)

# Whoever has come back meanwhile has the folder again.
FORGOTTEN = """
with back as (
    delete from forgotten_workspaces left_behind
    where exists (select from chat_sessions where scope = left_behind.scope)
)
select scope from forgotten_workspaces left_behind
where not exists (select from chat_sessions where scope = left_behind.scope) limit 100
"""
GONE = "delete from forgotten_workspaces where scope = $1"


async def clear_workspaces(db: Database, workspaces: Path) -> None:
    """Those of memories without a session. All workers share one folder, so any of them may do it."""
    for row in await db.run(FORGOTTEN):
        folder = workspaces / str(row["scope"])
        if folder.is_dir():
            try:
                await asyncio.to_thread(shutil.rmtree, folder)
            except OSError as error:  # tried again by the next sweep
                log.warning("workspace_not_deleted", scope=str(row["scope"]), error=type(error).__name__)
                continue
        await db.run(GONE, row["scope"])
