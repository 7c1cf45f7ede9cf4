"""What is to be handed to people, as the relays see it: they fetch it, and tell how far they have come.

Only the relay that holds a bot's lease hands out what that bot says.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from backend.bots import BotNotFound
from backend.chat import cards
from backend.chat.cards import Told, complete
from backend.database import Database, Record
from backend.errors import Conflict, NotFound

# Who waits for deliveries is woken by those of this process; this often, in seconds, he looks for others'.
LOOK_AGAIN_SECONDS = 1.0
MOST_AT_ONCE = 100


class DeliveryNotFound(NotFound):
    """No such delivery."""


class LeaseLost(Conflict):
    """Another relay speaks for this bot now, or none does; or there is nothing to speak of any more."""


class DeliveryOver(Conflict):
    """This delivery has been brought to its end before."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What a client wants to be said; the same `key` of the same bot is the same notice."""

    bot: str
    chat_id: str
    thread_id: str
    user_id: str
    reply_to: str
    language: str
    text: str
    buttons: list[list[dict[str, str]]] | None
    key: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a relay has come with a delivery; None where it says nothing.

    `sending` is the part that it is about to send; 0 says that there is none. `shown` is the change up to which a card
    is seen.
    """

    parts: int | None = None
    sending: int | None = None
    sent: int | None = None
    message_id: str | None = None
    state: str | None = None
    problem: str | None = None
    shown: int | None = None


# What is told of a `delivery`: the text of an answer is its message's.
TOLD = """
    delivery.id, bot.slug as bot, delivery.turn_id, delivery.kind, delivery.chat_id, delivery.thread_id,
    delivery.user_id, delivery.reply_to, delivery.language, coalesce(delivery.content, answer.content, '') as text,
    coalesce(turn.status = 'stopped', false) as stopped, delivery.buttons, delivery.parts, delivery.sent,
    delivery.sending, delivery.state, delivery.changed, bot.max_answer_length as max_length,
    coalesce(turn.shown_as, '') as shown_as
"""
BESIDE = """
    join bots bot on bot.id = delivery.bot_id left join turns turn on turn.id = delivery.turn_id
    left join messages answer on answer.turn_id = delivery.turn_id and answer.role = 'assistant'
"""

ADD = """
insert into deliveries (bot_id, chat_id, thread_id, user_id, reply_to, language, kind, content, buttons, key)
select id, $2, $3, $4, $5, $6, 'notice', $7, $8, $9 from bots where slug = $1
on conflict (bot_id, key) do nothing returning id
"""

GET = f"select {TOLD} from deliveries delivery {BESIDE} where delivery.id = $1"

BY_KEY = f"select {TOLD} from deliveries delivery {BESIDE} where bot.slug = $1 and delivery.key = $2"

# Of each bot the first ones: its index is read no further than that.
PENDING = f"""
select {TOLD} from pollers poller cross join lateral (
    select * from deliveries where bot_id = poller.bot_id and state = 'pending' and id > $2 order by id limit $3
) delivery {BESIDE}
where poller.relay = $1 and poller.lease_until > now() order by delivery.id limit $3
"""

# A part counts as repeated when it is about to be sent although it was before. Who tells of it together with the part
# before only says again what was said.
ADVANCE = """
with lease as (
    select from deliveries delivery join pollers poller on poller.bot_id = delivery.bot_id
    where delivery.id = $1 and poller.relay = $2 and poller.lease_until > now()
)
update deliveries set
    parts = coalesce($3::int, parts),
    repeated = repeated + case when sending = $4::int and $5::int is null then 1 else 0 end,
    sending = case when $4 is not null then nullif($4, 0) when $5 is not null then null else sending end,
    message_ids = case when $5 > sent then array_append(message_ids, $6) else message_ids end,
    sent = greatest(sent, coalesce($5, sent)),
    state = coalesce($7, state),
    problem = coalesce($8, problem),
    shown = coalesce(least($9, changed), shown),
    finished_at = case when $7 is not null then now() end
where id = $1 and state = 'pending' and exists (select from lease)
returning id
"""

SHOWN = """
update turns set shown_as = $3 where id = $1 and delivers and exists (
    select from chat_sessions talk join pollers poller on poller.bot_id = talk.bot_id
    where talk.id = turns.session_id and poller.relay = $2 and poller.lease_until > now()
)
returning id
"""

# Why nothing was changed.
STANDING = """
select state, exists (
    select from pollers where bot_id = deliveries.bot_id and relay = $2 and lease_until > now()
) as held
from deliveries where id = $1
"""

END = f"""
select turn.status, {TOLD} from turns turn left join deliveries delivery on delivery.turn_id = turn.id
left join bots bot on bot.id = delivery.bot_id
left join messages answer on answer.turn_id = turn.id and answer.role = 'assistant'
where turn.id = $1
"""

# As long as Telegram brings an update again, its notice is known by its key. What belongs to a turn goes with it; what
# somebody may still answer stays.
TIDY = """
delete from deliveries where turn_id is null and state <> 'pending' and finished_at < now() - interval '2 days'
    and not exists (select from confirmations where id = deliveries.confirmation_id and state = 'waiting')
"""


class Deliveries:
    """Everything that is to be handed to people. What is returned has the columns of `TOLD`; a run's also a `card`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: set[asyncio.Event] = set()
        self._closing = False

    def ring(self) -> None:
        """There is something new."""
        for rung in self._waiting:
            rung.set()

    def close(self) -> None:
        """Nobody waits here any more."""
        self._closing = True
        self.ring()

    async def add(self, notice: Notice) -> tuple[Told, bool]:
        """The notice as a delivery, and whether it is new. Raises `BotNotFound`."""
        added = await self._db.run(
            ADD, notice.bot, notice.chat_id, notice.thread_id, notice.user_id, notice.reply_to, notice.language,
            notice.text, notice.buttons, notice.key,
        )  # fmt: skip
        if added:
            self.ring()
            return await self._get(added[0]["id"]), True
        if known := notice.key and await self.find(notice.bot, notice.key):
            return known, False
        raise BotNotFound

    async def find(self, bot: str, key: str) -> "Told | None":
        """The notice of this key, if there is one."""
        for row in await self._db.run(BY_KEY, bot, key):
            return row
        return None

    async def pending(self, relay: UUID, *, after: int, wait: float) -> list[Told]:
        """Those of the bots whose lease the relay holds, oldest first; if there are none, as soon as there are.

        `wait` is in seconds. Ids are given before they can be seen: now and then it is to be asked with an older one.
        """
        rows = await self._first(lambda: self._db.run(PENDING, relay, after, MOST_AT_ONCE), wait)
        return await complete(self._db, rows)

    async def changed(self, relay: UUID, *, after: int, wait: float) -> list[Record]:
        """The cards that have changed since they were last shown, and after that change; as in `pending`."""
        return await self._first(lambda: self._db.run(cards.CHANGED, relay, after, MOST_AT_ONCE), wait)

    async def _first(self, look: Callable[[], Awaitable[list[Record]]], wait: float) -> list[Record]:
        deadline, rung = time.monotonic() + wait, asyncio.Event()
        self._waiting.add(rung)
        try:
            while not (rows := await look()):
                left = deadline - time.monotonic()
                if left <= 0 or self._closing:
                    break
                with suppress(TimeoutError):
                    await asyncio.wait_for(rung.wait(), min(left, LOOK_AGAIN_SECONDS))
                rung.clear()
            return rows
        finally:
            self._waiting.discard(rung)

    async def advance(self, delivery_id: int, relay: UUID, progress: Progress) -> Told:
        """Record how far a relay has come. Raises `LeaseLost`, `DeliveryOver` or `DeliveryNotFound`."""
        advanced = await self._db.run(
            ADVANCE, delivery_id, relay, progress.parts, progress.sending, progress.sent, progress.message_id,
            progress.state, progress.problem, progress.shown,
        )  # fmt: skip
        if not advanced:
            await self._check_lease(delivery_id, relay)
            raise DeliveryOver
        return await self._get(delivery_id)

    async def show_card(self, delivery_id: int, relay: UUID, changed: int) -> None:
        """People see the card as it was after this change, or newer. Raises `LeaseLost` or `DeliveryNotFound`."""
        if not await self._db.run(cards.SHOW, delivery_id, relay, changed):
            await self._check_lease(delivery_id, relay)

    async def file(self, delivery_id: int) -> bytes:
        """The content of the file that is to be handed over. Raises `DeliveryNotFound`."""
        for row in await self._db.run(cards.CONTENT, delivery_id):
            return bytes(row["content"])
        raise DeliveryNotFound

    async def show(self, turn_id: UUID, relay: UUID, message_id: str) -> None:
        """What becomes of the turn is already being shown, as this message. Raises `LeaseLost`."""
        if not await self._db.run(SHOWN, turn_id, relay, message_id):
            raise LeaseLost

    async def of_turn(self, turn_id: UUID) -> "Told | None":
        """The turn's `status`, with its delivery if it has one; None if it was deleted."""
        for row in await complete(self._db, await self._db.run(END, turn_id)):
            return row
        return None

    async def tidy(self) -> None:
        """Delete the notices that arrived, or failed, days ago."""
        await self._db.run(TIDY)

    async def _get(self, delivery_id: int) -> Told:
        for row in await complete(self._db, await self._db.run(GET, delivery_id)):
            return row
        raise DeliveryNotFound

    async def _check_lease(self, delivery_id: int, relay: UUID) -> None:
        for row in await self._db.run(STANDING, delivery_id, relay):
            if not row["held"]:
                raise LeaseLost
            return
        raise DeliveryNotFound
