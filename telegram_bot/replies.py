"""How an update is answered: by a notice, or by a turn whose answer comes when it is written."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count

from aiogram.types import Message

from telegram_bot.addressing import in_private, language_of, speaker_id, topic_id
from telegram_bot.backend_client import (
    BackendClient,
    BackendProblem,
    BotConfig,
    Button,
    Conversation,
    Delivery,
    Delta,
    Notice,
    Question,
    Restart,
    TurnStream,
)
from telegram_bot.live import Audience, Live
from telegram_bot.outbox import Outbox
from telegram_bot.sending import Spot

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a notice is for; `reply_to` is the message that it quotes."""

    chat_id: str
    thread_id: str = ""
    user_id: str = ""
    language: str = ""
    reply_to: str = ""


def addressee(message: Message) -> Addressee:
    """Who wrote a message, where; in a group, the reply quotes it."""
    return Addressee(
        chat_id=str(message.chat.id),
        thread_id=_text(topic_id(message)),
        user_id=_text(speaker_id(message)),
        language=language_of(message) or "",
        reply_to="" if in_private(message) else str(message.message_id),
    )


class Turns:
    """The turns of one bot whose answers are being written."""

    def __init__(self, backend: BackendClient, live: Live, outbox: Outbox) -> None:
        self._backend = backend
        self._live = live
        self._outbox = outbox
        self._following: set[asyncio.Task[None]] = set()

    async def begin(self, conversation: Conversation, question: Question, audience: Audience) -> None:
        """Returns when the backend has stored the question. Raises BackendProblem."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(  # noqa: TID251  drop() ends it
            self._follow(conversation, question, audience, stored)
        )
        self._following.add(task)
        task.add_done_callback(self._following.discard)
        try:
            await stored
        except asyncio.CancelledError:
            task.cancel()
            raise

    def drop(self) -> None:
        """Follows none of them any more; their answers come as deliveries."""
        for task in self._following:
            task.cancel()

    async def _follow(
        self, conversation: Conversation, question: Question, audience: Audience, stored: asyncio.Future[None]
    ) -> None:
        try:
            async with self._backend.ask(conversation, question) as stream:
                stored.set_result(None)
                await self._show(stream, audience)
        except BackendProblem as problem:
            if not stored.done():
                stored.set_exception(problem)
            else:
                log.info("bot %s: a stream broke (%s): its answer will come", conversation.bot, problem)

    async def _show(self, stream: TurnStream, audience: Audience) -> None:
        showing = self._live.begin(stream.turn_id, audience)
        try:
            async for event in stream:
                match event:
                    case Delta(text):
                        showing.add(text)
                    case Restart():
                        showing.restart()
                    case Delivery(state="pending"):
                        self._outbox.put(event)
                    case _:  # merged into the next turn, or delivered before
                        if message_id := await self._live.end(stream.turn_id):
                            await self._live.sender.delete(audience.spot, message_id)
        finally:
            showing.rest()


class Replies:
    """Answers one update; handled again after a failure, it says the same things under the same keys."""

    def __init__(self, config: BotConfig, update_id: int, backend: BackendClient, turns: Turns, outbox: Outbox) -> None:
        self._config = config
        self._update_id = update_id
        self._backend = backend
        self._turns = turns
        self._outbox = outbox
        self._numbers = count(1)

    async def say(
        self,
        to: Message | Addressee,
        text: str,
        buttons: Sequence[Sequence[Button]] = (),
        key: str = "",
        counts: bool = False,
    ) -> Delivery:
        """Store a notice; it is sent soon after. What has the same `key` is said once.

        What `counts` as a message may be one too many. Raises BackendProblem.
        """
        whom = addressee(to) if isinstance(to, Message) else to
        notice = Notice(
            bot=self._config.slug,
            chat_id=whom.chat_id,
            text=text,
            key=f"telegram:{self._config.telegram_id}:{key or f'{self._update_id}:{next(self._numbers)}'}",
            thread_id=whom.thread_id,
            user_id=whom.user_id,
            reply_to=whom.reply_to,
            language=whom.language,
            buttons=buttons,
            counts=counts and bool(whom.user_id),
        )
        delivery = await self._backend.say(notice)
        self._outbox.put(delivery)
        return delivery

    async def ask(self, message: Message, question: Question) -> None:
        """Returns when the backend has stored the question: then its answer will come. Raises BackendProblem."""
        whom = addressee(message)
        conversation = Conversation(self._config.slug, whom.chat_id, whom.user_id, whom.thread_id)
        spot = Spot(message.chat.id, topic_id(message), None if in_private(message) else message.message_id)
        audience = Audience(spot, whom.user_id, whom.language)
        await self._turns.begin(conversation, replace(question, reply_to=whom.reply_to), audience)


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
