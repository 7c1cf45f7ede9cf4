"""Who speaks, where, to whom they reply, and whose words they pass on."""

from aiogram.enums import ChatType
from aiogram.types import (
    Chat,
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from telegram_bot.backend_client import BotConfig, Conversation, Quote
from telegram_bot.plain import text_of

LONGEST_NAME = 128
LONGEST_QUOTE = 1000

Origin = MessageOriginUser | MessageOriginHiddenUser | MessageOriginChat | MessageOriginChannel


def conversation_of(message: Message, config: BotConfig) -> Conversation:
    """Who speaks to this bot where."""
    topic = topic_id(message)
    return Conversation(
        bot=config.slug,
        chat_id=str(message.chat.id),
        user_id=str(speaker_id(message)),
        thread_id="" if topic is None else str(topic),
    )


def speaker_id(message: Message) -> int | None:
    """The person's id; the chat's for those who write in its name, as all of them share one user."""
    speaker = message.sender_chat or message.from_user
    return speaker.id if speaker else None


def speaker_name(message: Message) -> str:
    """What others see as the name of who writes, as much of it as the backend takes."""
    speaker = message.sender_chat or message.from_user
    return speaker.full_name[:LONGEST_NAME] if speaker else ""


def topic_id(message: Message) -> int | None:
    """The forum topic; elsewhere `message_thread_id` is merely a chain of replies."""
    return message.message_thread_id if message.is_topic_message else None


def language_of(message: Message) -> str:
    return (message.from_user.language_code or "") if message.from_user else ""


def in_private(message: Message) -> bool:
    return is_private(message.chat)


def is_private(chat: Chat) -> bool:
    return chat.type == ChatType.PRIVATE


def from_bot(message: Message) -> bool:
    user = message.from_user
    return user is not None and user.is_bot and message.sender_chat is None


def message_key(message: Message) -> str:
    """By this the backend knows a message again: when it is asked twice, and when it was edited."""
    bot = message.bot
    assert bot
    return f"telegram:{bot.id}:{message.chat.id}:{message.message_id}"


def quote_of(message: Message) -> Quote | None:
    """What the person replies to: the part they chose, else all of it, as far as there are words in it."""
    original, elsewhere = message.reply_to_message, message.external_reply
    if original and original.forum_topic_created:
        return None  # every first-level message of a topic formally replies to the topic's creation
    speaker = speaker_name(original) if original else _origin_name(elsewhere.origin) if elsewhere else ""
    text = message.quote.text if message.quote else text_of(original) if original else ""
    return quoted(speaker, text)


def quoted(speaker: str, text: str) -> Quote | None:
    """As much of it as is passed on; None if there are no words in it."""
    if not text.strip():
        return None
    return Quote(speaker[:LONGEST_NAME], text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…")


def forwarded_from(message: Message) -> str:
    """The name of who wrote what is passed on; empty if the person's own words are sent."""
    return _origin_name(message.forward_origin)[:LONGEST_NAME] if message.forward_origin else ""


def _origin_name(origin: Origin) -> str:
    match origin:
        case MessageOriginUser():
            return origin.sender_user.full_name
        case MessageOriginHiddenUser():
            return origin.sender_user_name
        case MessageOriginChat():
            return origin.author_signature or origin.sender_chat.full_name
        case MessageOriginChannel():
            return origin.chat.full_name
