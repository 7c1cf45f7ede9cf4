"""Which process receives a bot's updates from Telegram: never two at a time, which Telegram refuses."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.bots.sealing import without_tokens
from backend.database import Database, Record

LEASE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Told:
    """What a relay says of a bot that it runs."""

    slug: str
    state: str
    error: str = ""
    username: str = ""


# One statement, so that of two relays that ask at once for a free lease, the second waits for the first one's row and
# then sees that it is taken. Each takes the rows in the same order: none waits for another in a circle.
BEAT = f"""
with told as (
    select distinct on (bots.id) bots.id, told.state, told.error, told.username
    from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as told (slug, state, error, username)
    join bots on bots.slug = told.slug
), held as (
    insert into pollers as poller (bot_id, relay, lease_until, state, last_error, last_error_at)
    select bots.id, $1, now() + interval '{LEASE_SECONDS} seconds', coalesce(told.state, 'pending'),
        coalesce(told.error, ''), case when told.error <> '' then now() end
    from bots left join told on told.id = bots.id
    where bots.enabled and bots.sealed_token is not null order by bots.id
    on conflict (bot_id) do update set
        relay = excluded.relay,
        lease_until = excluded.lease_until,
        heartbeat_at = now(),
        state = excluded.state,
        state_since = case when excluded.state = poller.state then poller.state_since else now() end,
        last_error = coalesce(nullif(excluded.last_error, ''), poller.last_error),
        -- It tells its error at every beat, as long as it has it: the time is when that began.
        last_error_at = case
            when (excluded.state, excluded.last_error) = (poller.state, poller.last_error) then poller.last_error_at
            else coalesce(excluded.last_error_at, poller.last_error_at) end
    where poller.relay = excluded.relay or poller.lease_until < now()
    returning bot_id
), named as (
    update bots set username = told.username from told join held on held.bot_id = told.id
    where bots.id = told.id and told.username not in ('', bots.username)
), ended as (
    update pollers set state = 'stopped', state_since = now(), lease_until = now() from told, bots
    where pollers.bot_id = told.id and bots.id = told.id and told.state = 'stopped' and not bots.enabled
        and pollers.relay = $1 and pollers.lease_until > now()
)
select slug, telegram_id::text, sealed_token, name, language, triggers, called, keywords
from bots join held on held.bot_id = bots.id order by slug
"""

FREE = "update pollers set lease_until = now() where relay = $1 and lease_until > now()"


async def beat(db: Database, relay: UUID, told: Sequence[Told]) -> list[Record]:
    """The bots that a relay may run for `LEASE_SECONDS` from now on; what it told of those it had is recorded."""
    columns = (
        [one.slug for one in told],
        [one.state for one in told],
        [without_tokens(one.error) for one in told],
        [one.username for one in told],
    )
    return await db.run(BEAT, relay, *columns)


async def free(db: Database, relay: UUID) -> None:
    """A relay that ends lets another one go on at once."""
    await db.run(FREE, relay)
