"""Who speaks, where, and whether it is meant for the bot."""

from typing import Any

from aiogram import Bot
from aiogram.enums import ChatType, MessageEntityType
from aiogram.types import Message, MessageEntity, User

LONGEST_NAME = 128


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


def language_of(message: Message) -> str | None:
    return message.from_user.language_code if message.from_user else None


def in_private(message: Message) -> bool:
    return message.chat.type == ChatType.PRIVATE


def from_bot(message: Message) -> bool:
    user = message.from_user
    return user is not None and user.is_bot and message.sender_chat is None


async def addressed(message: Message, bot: Bot) -> dict[str, Any] | bool:
    """A filter: what the bot is asked, as `question`; in groups only mentions and replies to it."""
    text = message.text or ""
    if in_private(message):
        return {"question": text}
    me = await bot.me()
    mentions = [entity for entity in message.entities or () if _mentions(entity, text, me)]
    if mentions or _answers(message, me):
        return {"question": _without(mentions, text)}
    return False


def _mentions(entity: MessageEntity, text: str, me: User) -> bool:
    if entity.type == MessageEntityType.MENTION:
        return entity.extract_from(text).lower() == f"@{me.username}".lower()
    return entity.user is not None and entity.user.id == me.id


def _answers(message: Message, me: User) -> bool:
    original = message.reply_to_message
    if original is None or original.from_user is None or original.forum_topic_created:
        return False  # every first-level message of a topic formally answers the topic's creation
    return original.from_user.id == me.id


def _without(mentions: list[MessageEntity], text: str) -> str:
    units = text.encode("utf-16-le")  # offsets count UTF-16 code units
    for mention in reversed(mentions):
        before = units[: 2 * mention.offset].decode("utf-16-le").rstrip(" ")
        after = units[2 * (mention.offset + mention.length) :].decode("utf-16-le")
        rest = after if before else after.lstrip(" ,:")
        units = (before + rest).encode("utf-16-le")
    return units.decode("utf-16-le").strip()
