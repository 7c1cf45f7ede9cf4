"""What people write: questions, corrections of them, and what is none."""

from collections.abc import Sequence

from aiogram import Bot, F, Router
from aiogram.enums import ContentType
from aiogram.types import Message

from telegram_bot.addressing import (
    conversation_of,
    forwarded_from,
    from_bot,
    in_private,
    language_of,
    message_key,
    quote_of,
    speaker_name,
)
from telegram_bot.backend_client import BackendClient, BackendProblem, BotConfig, Question
from telegram_bot.handlers.media import InWords, Media, NotUnderstood
from telegram_bot.handlers.telling import answer, tell, words_of
from telegram_bot.plain import text_of
from telegram_bot.replies import Replies
from telegram_bot.triggers import triggers_of, without_ask

# What people send on purpose; the rest are notices of the chat itself, such as a pinned message.
SENT = {
    ContentType.ANIMATION,
    ContentType.AUDIO,
    ContentType.CHECKLIST,
    ContentType.CONTACT,
    ContentType.DICE,
    ContentType.DOCUMENT,
    ContentType.GAME,
    ContentType.LIVE_PHOTO,
    ContentType.LOCATION,
    ContentType.PAID_MEDIA,
    ContentType.PHOTO,
    ContentType.POLL,
    ContentType.RICH_MESSAGE,
    ContentType.STICKER,
    ContentType.STORY,
    ContentType.TEXT,
    ContentType.VENUE,
    ContentType.VIDEO,
    ContentType.VIDEO_NOTE,
    ContentType.VOICE,
}


def register(router: Router) -> None:
    router.message.register(relay, F.content_type.in_(SENT))
    router.edited_message.register(correct, F.text | F.caption, ~F.media_group_id)


def ignore_bots(router: Router) -> None:
    """Two bots that answer each other would never end."""
    router.message.register(ignore, from_bot)
    router.edited_message.register(ignore, from_bot)


async def ignore(message: Message) -> None:
    """Nothing is said."""


async def relay(
    message: Message, album: Sequence[Message], bot: Bot, config: BotConfig, backend: BackendClient, replies: Replies
) -> None:
    """Ask what the person asks, with what they sent along."""
    written = await _written_to_bot(album, bot, config)
    if written is None:
        return
    media = Media(message, bot, config, backend)
    try:
        shown = await media.in_words(album, written)
        if told := [in_words.told for in_words in shown if in_words.told and not written]:
            await answer(message, "\n".join(told), replies)
        elif question := await _question(message, written, shown, media):
            await replies.ask(message, question)
        else:
            await answer(message, words_of(message).called, replies)
    except NotUnderstood as reason:
        await answer(message, reason.sentence, replies)
    except BackendProblem as problem:
        await tell(message, problem, replies)


async def correct(message: Message, bot: Bot, config: BotConfig, backend: BackendClient, replies: Replies) -> None:
    """What was written before is remembered as it reads now; if it is not answered yet, as it reads now."""
    written = await _written_to_bot([message], bot, config)
    if written is None:
        return
    media = Media(message, bot, config, backend)
    try:
        shown = await media.in_words([message], written)
        if question := await _question(message, written, shown, media):
            await backend.correct(conversation_of(message, config), question)
    except NotUnderstood as reason:
        await answer(message, reason.sentence, replies)
    except BackendProblem as problem:
        await tell(message, problem, replies)


async def _written_to_bot(album: Sequence[Message], bot: Bot, config: BotConfig) -> str | None:
    """The words to the bot, perhaps none; None if all of it is meant for others."""
    if in_private(album[0]):
        return "\n".join(filter(None, (without_ask(text_of(message)) for message in album)))
    me, triggers = await bot.me(), triggers_of(config)
    questions = [triggers.question(message, me) for message in album]
    meant = [question for question in questions if question is not None]
    return "\n".join(filter(None, meant)) if meant else None


async def _question(message: Message, written: str, shown: Sequence[InWords], media: Media) -> Question | None:
    """What the backend is asked; None if there are no words in it."""
    quote = quote_of(message) if shown else await media.quote(message, written)
    text = "\n".join([*(in_words.shown for in_words in shown), written]).strip()
    speaker = forwarded_from(message)
    if not text and quote:  # merely called, by a reply to what somebody said
        text, speaker, quote = quote.text, quote.speaker, None
    if not text:
        return None
    return Question(
        text=text,
        key=message_key(message),
        chat_type=message.chat.type,
        user_name=speaker_name(message),
        language=language_of(message),
        quote=quote,
        forwarded_from=speaker,
    )
