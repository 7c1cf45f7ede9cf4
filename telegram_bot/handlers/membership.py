"""The bot is added to a group, or removed from it; a group becomes a supergroup."""

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.filters import JOIN_TRANSITION, LEAVE_TRANSITION, ChatMemberUpdatedFilter
from aiogram.types import ChatMemberUpdated, Message

from telegram_bot.backend_client import BackendClient, BotConfig
from telegram_bot.cards import ways_to_call
from telegram_bot.replies import Addressee, Replies
from telegram_bot.words import words_for

GROUPS = {ChatType.GROUP, ChatType.SUPERGROUP}


def register(router: Router) -> None:
    event = router.my_chat_member
    event.filter(F.chat.type.in_(GROUPS))
    event.register(greet, ChatMemberUpdatedFilter(JOIN_TRANSITION))
    event.register(leave, ChatMemberUpdatedFilter(LEAVE_TRANSITION))


def follow_groups(router: Router) -> None:
    """Both groups tell of it, and either may come first."""
    router.message.register(move, F.migrate_to_chat_id)
    router.message.register(arrive, F.migrate_from_chat_id)


async def greet(event: ChatMemberUpdated, bot: Bot, config: BotConfig, replies: Replies) -> None:
    """Say how to call the bot, in the language of who added it."""
    language = event.from_user.language_code or config.language
    words, me = words_for(language), await bot.me()
    greeting = words.greeting_in_group.format(ways=ways_to_call(config, me, words), mention=f"@{me.username}")
    await replies.say(Addressee(chat_id=str(event.chat.id), language=language), greeting)


async def leave(event: ChatMemberUpdated, config: BotConfig, backend: BackendClient) -> None:
    """Everybody's sessions there end; whoever adds the bot again begins anew."""
    await backend.leave_chat(config.slug, str(event.chat.id))


async def move(message: Message, config: BotConfig, backend: BackendClient) -> None:
    """What was said in the group is remembered in the supergroup that it became."""
    await backend.move_chat(config.slug, str(message.chat.id), str(message.migrate_to_chat_id))


async def arrive(message: Message, config: BotConfig, backend: BackendClient) -> None:
    await backend.move_chat(config.slug, str(message.migrate_from_chat_id), str(message.chat.id))
