"""How often Telegram lets a bot write: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this."""

import asyncio
import time
from collections import defaultdict, deque

PER_SECOND = 30
EDITS_PER_MINUTE = 20
MINUTE = 60.0


class Pace:
    """At most `PER_SECOND` calls a second, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._next = 0.0

    async def wait(self) -> None:
        await asyncio.sleep(self.reserve())

    def reserve(self) -> float:
        """In how many seconds one more, which is counted now, may go out."""
        now = time.monotonic()
        turn = max(now, self._next)
        self._next = turn + 1 / PER_SECOND
        return turn - now


class EditsPerChat:
    """At most `EDITS_PER_MINUTE` in a group, whoever is answered there."""

    def __init__(self) -> None:
        self._made: defaultdict[int, deque[float]] = defaultdict(deque)

    def free(self, chat_id: int) -> bool:
        """Whether one more may go out now, which is then counted."""
        now, made = time.monotonic(), self._made[chat_id]
        while made and made[0] <= now - MINUTE:
            made.popleft()
        if len(made) >= EDITS_PER_MINUTE:
            return False
        made.append(now)
        return True
