"""Cards that have changed since they were sent: edited to what they show now, at a bounded rate.

Only the newest state of a card matters: what comes while others are edited, or while Telegram wants us to wait, takes
the place of what was to be shown before.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from telegram_bot.backend_client import BackendProblem, ChangedCard
from telegram_bot.failures import where
from telegram_bot.formatting import Part
from telegram_bot.live import EDIT_SECONDS, Live
from telegram_bot.pauses import growing_pauses
from telegram_bot.progress import Lost, Over, Reports
from telegram_bot.rendering import card_markup, card_pieces
from telegram_bot.sending import NotNow, Sender, Spot

log = logging.getLogger(__name__)

LONGEST_PAUSE_SECONDS = 30.0


@dataclass(slots=True)
class Lane:
    """The cards of one chat that are to be edited, by their deliveries."""

    waiting: dict[int, ChangedCard] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None


class CardEditor:
    """Of one bot. `lost` is called when the backend says that another process has it."""

    def __init__(self, reports: Reports, sender: Sender, live: Live, lost: Callable[[], None]) -> None:
        self._reports = reports
        self._sender = sender
        self._live = live
        self._lost = lost
        self._lanes: dict[str, Lane] = {}
        self._known: dict[int, int] = {}

    def put(self, card: ChangedCard) -> None:
        """Takes each change once, however often it is told."""
        if self._known.get(card.id, 0) >= card.changed:
            return
        self._known[card.id] = card.changed
        lane = self._lanes.setdefault(card.chat_id, Lane())
        lane.waiting[card.id] = card
        if lane.task is None:
            lane.task = asyncio.create_task(  # noqa: TID251  drop() ends it
                self._run(card.chat_id, lane)
            )

    def drop(self) -> None:
        """Ends at once: whoever goes on edits what is not shown yet."""
        for lane in self._lanes.values():
            if lane.task:
                lane.task.cancel()
        self._lanes.clear()
        self._known.clear()

    async def _run(self, chat_id: str, lane: Lane) -> None:
        pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
        while lane.waiting:
            card = lane.waiting.pop(next(iter(lane.waiting)))
            pause = EDIT_SECONDS
            try:
                await self._show(card)
                pauses = growing_pauses(LONGEST_PAUSE_SECONDS)
            except NotNow as later:
                lane.waiting.setdefault(card.id, card)
                pause = next(pauses) if later.seconds is None else later.seconds
            except Lost:
                log.warning("bot %s: another process has it now", card.bot)
                asyncio.get_running_loop().call_soon(self._lost)
                return
            await asyncio.sleep(max(pause, EDIT_SECONDS))
        self._lanes.pop(chat_id, None)

    async def _show(self, card: ChangedCard) -> None:
        """Raises NotNow or Lost."""
        try:
            await self._edit(card)
            await self._reports.show_card(card)
        except Over:
            log.info("card %d is not there any more", card.id)
        except (BackendProblem, LookupError, TypeError, ValueError) as error:
            # What fails for no known reason is not tried again until it changes.
            log.error("card %d: %s\n%s", card.id, type(error).__name__, where(error))
            return
        if self._known.get(card.id) == card.changed:
            del self._known[card.id]

    async def _edit(self, card: ChangedCard) -> None:
        """A card whose message is gone, or cannot be edited any more, stays as it is. Raises NotNow or Lost."""
        self._reports.check_lease()
        spot, piece = Spot(int(card.chat_id)), card_pieces(card)[-1]
        if not card.message_id or not isinstance(piece, Part):
            return
        if not spot.private and not self._live.edits.free(spot.chat_id):
            raise NotNow("so many edits are too many for a group", seconds=EDIT_SECONDS)
        await self._live.pace.wait()
        if not await self._sender.edit(spot, int(card.message_id), piece, card_markup(card)):
            log.info("card %d cannot be edited", card.id)
