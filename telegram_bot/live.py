"""Answers while they are written: drafts in private chats, else a message that is edited.

A draft is only a preview and vanishes when the answer itself arrives. A message that was edited becomes the first part
of the answer. Nothing here has to arrive: a frame that Telegram does not take is skipped.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from zlib import crc32

from telegram_bot.limits import EditsPerChat, Pace
from telegram_bot.rendering import draft_of, stop_button
from telegram_bot.sending import NotNow, Sender, Spot, Undeliverable

DRAFT_SECONDS = 0.4
EDIT_SECONDS = 1.0
# An answer that is whole this soon after it began is only sent, without a draft or, in groups, edits before.
QUICK_SECONDS, QUICK_IN_GROUPS_SECONDS = 0.1, 1.5
# A draft is shown for 30 s: https://core.telegram.org/bots/api#sendmessagedraft
DRAFT_RENEWAL_SECONDS = 20.0
# The sign is shown for 5 s: https://core.telegram.org/bots/api#sendchataction
TYPING_RENEWAL_SECONDS = 4.0
# Where Telegram does not say how long to wait.
SKIPPED_SECONDS = 2.0
LONGEST_FRAME_SECONDS = 3.0
MOST_SHOWN = 1_000


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is answered where."""

    spot: Spot
    user_id: str
    language: str


class Live:
    """What one bot is writing now."""

    def __init__(self, sender: Sender, note: Callable[[str, int], Awaitable[None]]) -> None:
        """`note` is told which message shows a turn."""
        self.pace = Pace()
        self.frames = Pace()
        self.edits = EditsPerChat()
        self.drafts_known = True
        self.sender = sender
        self.note = note
        self._shown: dict[str, Showing] = {}

    def begin(self, turn_id: str, audience: Audience) -> "Showing":
        """Shows from now on that, and then what, is being written."""
        if turn_id not in self._shown:
            if len(self._shown) >= MOST_SHOWN:
                self._shown.pop(next(iter(self._shown))).rest()
            self._shown[turn_id] = Showing(self, turn_id, audience)
        return self._shown[turn_id]

    async def end(self, turn_id: str) -> int | None:
        """Shows no more of it; the id of the message that shows its beginning, if there is one."""
        showing = self._shown.pop(turn_id, None)
        return await showing.close() if showing else None

    def drop(self) -> None:
        for showing in self._shown.values():
            showing.rest()
        self._shown.clear()


class Showing:
    """One answer that is being written."""

    def __init__(self, live: Live, turn_id: str, audience: Audience) -> None:
        self._live = live
        self._audience = audience
        self._turn_id = turn_id
        self._draft_id = crc32(turn_id.encode()) or 1
        self._text = ""
        self._changed = asyncio.Event()
        self._seen = False
        self._message_id: int | None = None
        self._framing = asyncio.Lock()
        self._task = asyncio.create_task(self._show())  # noqa: TID251  rest() ends it

    def add(self, text: str) -> None:
        self._text += text
        self._changed.set()

    def restart(self) -> None:
        self._text = ""

    def rest(self) -> None:
        """Shows nothing new."""
        self._task.cancel()

    async def close(self) -> int | None:
        """The last frame has arrived, so that it cannot come after the answer; the message's id."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_FRAME_SECONDS), self._framing:
                pass
        self.rest()
        return self._message_id

    async def _show(self) -> None:
        await self._until_changed(QUICK_SECONDS)
        await self._type_until_text()
        await asyncio.sleep(QUICK_SECONDS if self._audience.spot.private else QUICK_IN_GROUPS_SECONDS)
        with suppress(Undeliverable):
            while True:
                await asyncio.sleep(await self._frame())
                await self._until_changed(DRAFT_RENEWAL_SECONDS)

    async def _type_until_text(self) -> None:
        while not self._changed.is_set():
            await self._live.sender.type(self._audience.spot)
            await self._until_changed(TYPING_RENEWAL_SECONDS)

    async def _until_changed(self, seconds: float) -> None:
        """Returns when there is something new to show, or after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    async def _frame(self) -> float:
        """Shows what there is now, as soon as others leave room for it; seconds until the next time.

        The first frame waits for nobody: it is what people wait for. Raises Undeliverable.
        """
        pause = self._live.frames.reserve()
        if self._seen:
            await asyncio.sleep(pause)
        self._changed.clear()
        if draft_of(self._text) is None:
            self._changed.set()
            return DRAFT_SECONDS
        self._seen = True
        async with self._framing:
            try:
                if self._audience.spot.private and self._live.drafts_known and self._message_id is None:
                    return await self._draft()
                return await self._edit()
            except NotNow as later:
                self._changed.set()
                return SKIPPED_SECONDS if later.seconds is None else later.seconds

    async def _draft(self) -> float:
        part = draft_of(self._text)
        assert part
        self._live.drafts_known = await self._live.sender.draft(self._audience.spot, self._draft_id, part)
        return DRAFT_SECONDS if self._live.drafts_known else await self._edit()

    async def _edit(self) -> float:
        part, spot = draft_of(self._text), self._audience.spot
        assert part
        if not spot.private and not self._live.edits.free(spot.chat_id):
            self._changed.set()
            return EDIT_SECONDS
        button = stop_button(self._audience.user_id, self._audience.language)
        began = time.monotonic()
        if self._message_id is None:
            self._message_id = await self._live.sender.send(spot, part, button)
            await self._live.note(self._turn_id, self._message_id)
        elif not await self._live.sender.edit(spot, self._message_id, part, button):
            raise Undeliverable("deleted")
        return max(EDIT_SECONDS - (time.monotonic() - began), 0)
