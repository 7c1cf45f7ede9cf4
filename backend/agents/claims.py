"""Who carries out a step: one worker at a time, for as long as it keeps saying so.

A worker that was killed, or held up for too long, loses its step to the next one. What it would record then is refused,
because the step's attempt is another one.
"""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

from backend.agents.settling import lock
from backend.database import Database, Record, StorageUnavailable, Transaction

LEASE_SECONDS, RENEW_SECONDS = 30.0, 5.0

FIND = "select run_id from run_steps where id = $1"
# Found with an expired lease, it was lost by somebody.
CLAIM = """
update run_steps step set attempt = attempt + 1, lost = lost + case when lease_until is null then 0 else 1 end,
    lease_until = now() + make_interval(secs => $2), due_at = now() + make_interval(secs => $2),
    started_at = coalesce(started_at, now())
where id = $1 and case status
    when 'running' then lease_until is null or lease_until < now()
    when 'pending' then not exists (
        select from run_steps needed
        where needed.run_id = step.run_id and needed.position = any(step.depends_on) and case step.kind
            when 'plan' then needed.status in ('pending', 'running', 'waiting') else needed.status <> 'completed' end
    )
    else false end
returning attempt, lost
"""
BEGIN = "update run_steps set status = 'running' where id = $1 and status = 'pending'"
BEGIN_RUN = """
update agent_runs set status = 'running', started_at = coalesce(started_at, now()) where id = $1 and status <> 'running'
"""
RENEW = """
update run_steps set lease_until = now() + make_interval(secs => $3), due_at = now() + make_interval(secs => $3)
where id = $1 and attempt = $2 and status = 'running' and lease_until is not null
    and exists (select from agent_runs where id = run_id and status = 'running')
returning id
"""
HELD = "select from run_steps where id = $1 and attempt = $2 and status = 'running' and lease_until is not null"


class Lost(Exception):
    """Somebody else has this step now, or it is over."""


@dataclass(slots=True)
class Claim:
    """A step that is this worker's until a moment of `time.monotonic`; it was `lost` so often in a row before."""

    step_id: UUID
    run_id: UUID
    attempt: int
    lost: int
    until: float

    def check(self) -> None:
        """Raises `Lost` if nobody here has noticed for too long how the time went by."""
        if time.monotonic() > self.until:
            raise Lost


async def claim(db: Database, step_id: UUID) -> Claim | None:
    """Take a step that is due; None if it is not, or not any more."""
    rows, until = await db.run(FIND, step_id), time.monotonic() + LEASE_SECONDS
    if not rows:
        return None
    async with db.begin() as tx:
        run = await lock(tx, rows[0]["run_id"])
        if run is None or run["status"] not in ("pending", "running", "waiting"):
            return None
        taken = await tx.fetchrow(CLAIM, step_id, LEASE_SECONDS)
        if taken is None:
            return None
        await tx.execute(BEGIN, step_id)
        await tx.execute(BEGIN_RUN, run["id"])
    return Claim(step_id, run["id"], taken["attempt"], taken["lost"], until)


async def keep(db: Database, mine: Claim) -> None:
    """Renew a claim for ever. Raises `Lost` when somebody else has the step, or it was stopped."""
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        until = time.monotonic() + LEASE_SECONDS
        try:
            renewed = await db.run(RENEW, mine.step_id, mine.attempt, LEASE_SECONDS)
        except StorageUnavailable:
            continue
        if not renewed:
            raise Lost
        mine.until = until


async def held(tx: Transaction, mine: Claim) -> Record:
    """The run, locked, of a step that is still this worker's. Raises `Lost`."""
    run = await lock(tx, mine.run_id)
    if run is None or run["status"] != "running" or not await tx.fetch(HELD, mine.step_id, mine.attempt):
        raise Lost
    return run
