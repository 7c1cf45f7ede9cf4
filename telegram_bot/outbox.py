"""Everything that goes out to people: deliveries, in order per chat, chats in parallel.

The backend is told before a part is sent, and after it arrived. So whoever goes on after a kill knows which part may
be on its way, and sends that one again: twice is better than never.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Any

from aiogram.types import InlineKeyboardMarkup

from telegram_bot.backend_client import Delivery, Progress
from telegram_bot.backend_client.wire import NOTHING
from telegram_bot.failures import where
from telegram_bot.formatting import Part, Piece
from telegram_bot.live import Live
from telegram_bot.pauses import growing_pauses
from telegram_bot.progress import Lost, Over, Reports
from telegram_bot.rendering import CARDS, Markup, markup_of, pieces_of
from telegram_bot.sending import NotNow, Sender, Spot, Undeliverable

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class Lane:
    """What waits for one chat: the oldest first."""

    waiting: list[tuple[int, Delivery]] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Outbox:
    """Of one bot. `lost` is called when the backend says that another process has it."""

    def __init__(self, reports: Reports, sender: Sender, live: Live, lost: Callable[[], None]) -> None:
        self._reports = reports
        self._sender = sender
        self._live = live
        self._lost = lost
        self._pace = live.pace
        self._lanes: dict[str, Lane] = {}
        self._known: set[int] = set()
        self._closing = False

    def put(self, delivery: Delivery) -> None:
        """Takes a delivery, once, however often it is told."""
        if delivery.state != "pending" or delivery.id in self._known:
            return
        self._known.add(delivery.id)
        lane = self._lanes.setdefault(delivery.chat_id, Lane())
        heappush(lane.waiting, (delivery.id, delivery))
        if lane.task is None:
            lane.task = asyncio.create_task(  # noqa: TID251  drop() ends it
                self._run(delivery.chat_id, lane)
            )

    async def finish(self, seconds: float) -> None:
        """Lets what is on its way arrive; the rest waits in the backend."""
        self._closing = True
        tasks = [lane.task for lane in self._lanes.values() if lane.task]
        for lane in self._lanes.values():
            lane.waiting.clear()
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        self.drop()

    def drop(self) -> None:
        """Ends everything at once."""
        for lane in self._lanes.values():
            if lane.task:
                lane.task.cancel()
        self._lanes.clear()
        self._known.clear()

    async def _run(self, chat_id: str, lane: Lane) -> None:
        while lane.waiting:
            _, delivery = heappop(lane.waiting)
            try:
                await self._deliver(delivery)
            except Over:
                log.info("delivery %d is over already", delivery.id)
            except Lost:
                log.warning("bot %s: another process has it now", delivery.bot)
                asyncio.get_running_loop().call_soon(self._lost)
                return
            except Exception as error:  # noqa: BLE001  what fails for no known reason is not tried for ever
                # Without the exception's own text: it may quote what a person wrote.
                log.error("delivery %d: %s\n%s", delivery.id, type(error).__name__, where(error))
                continue
            self._known.discard(delivery.id)
        self._lanes.pop(chat_id, None)

    async def _deliver(self, delivery: Delivery) -> None:
        shown_as = await self._live.end(delivery.turn_id) or _number(delivery.shown_as)
        try:
            await self._send_all(delivery, _spot(delivery), shown_as)
        except Undeliverable as never:
            log.info("delivery %d of bot %s cannot arrive: %s", delivery.id, delivery.bot, never.reason)
            await self._reports.tell(delivery, Progress(state="failed", problem=never.reason))

    async def _send_all(self, delivery: Delivery, spot: Spot, shown_as: int | None) -> None:
        parts = pieces_of(delivery, await self._reports.content(delivery) if delivery.kind == "file" else b"")
        if delivery.sent >= len(parts):
            await self._reports.tell(delivery, Progress(state="sent"))
        announced = 0
        for number in range(delivery.sent + 1, len(parts) + 1):
            last = number == len(parts)
            if announced != number:
                await self._reports.tell(delivery, Progress(parts=len(parts), sending=number))
            sending = _Sending(parts[number - 1], spot, markup_of(delivery) if last else None)
            if number == 1:
                sending.shown_as = shown_as
            else:
                sending.spot = replace(spot, reply_to=None)
            message_id = await self._send(delivery, number, sending)
            announced = 0 if last or self._closing else number + 1
            progress = Progress(sending=announced or None, sent=number, message_id=str(message_id))
            await self._reports.tell(delivery, replace(progress, **_ending(delivery)) if last else progress)
            if self._closing:
                return

    async def _send(self, delivery: Delivery, number: int, sending: "_Sending") -> int:
        """The message's id, however long it takes. Raises Undeliverable or Lost."""
        pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
        while True:
            self._reports.check_lease()
            await self._pace.wait()
            try:
                return await self._attempt(sending)
            except NotNow as later:
                pause = next(pauses) if later.seconds is None else later.seconds
                log.info("delivery %d: %s; trying again in %.0f s", delivery.id, later, pause)
                if not later.perhaps_arrived:
                    await self._reports.tell(delivery, Progress(sending=NOTHING))
                await asyncio.sleep(pause)
                await self._reports.tell(delivery, Progress(sending=number))

    async def _attempt(self, sending: "_Sending") -> int:
        """An edit is safe to repeat: what was shown while it was written becomes the first part."""
        if sending.shown_as and isinstance(sending.part, Part):
            markup = sending.markup if isinstance(sending.markup, InlineKeyboardMarkup) else None
            if await self._sender.edit(sending.spot, sending.shown_as, sending.part, markup):
                return sending.shown_as
            sending.shown_as = None
        return await self._sender.send(sending.spot, sending.part, sending.markup)


@dataclass(slots=True)
class _Sending:
    """One part on its way; `shown_as`: the message that showed its beginning while it was written."""

    part: Piece
    spot: Spot
    markup: Markup | None
    shown_as: int | None = None


def _ending(delivery: Delivery) -> dict[str, Any]:
    """What is told with the last part."""
    return {"state": "sent"} | ({"shown": delivery.changed} if delivery.kind in CARDS else {})


def _spot(delivery: Delivery) -> Spot:
    """Raises Undeliverable for a chat that cannot be one of Telegram's."""
    try:
        return Spot(int(delivery.chat_id), _number(delivery.thread_id), _number(delivery.reply_to))
    except ValueError:
        raise Undeliverable("chat-not-found") from None


def _number(text: str) -> int | None:
    return int(text) if text else None
