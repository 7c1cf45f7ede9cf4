"""What the relay does with each kind of message."""

from aiogram import Bot, F, Router
from aiogram.enums import ContentType
from aiogram.filters import Command
from aiogram.types import BotCommand, KeyboardButton, Message, ReplyKeyboardMarkup

from telegram_bot.addressing import (
    addressed,
    from_bot,
    from_stranger,
    in_private,
    language_of,
    speaker_id,
    speaker_name,
    topic_id,
)
from telegram_bot.backend_client import BackendClient, BackendProblem, Conversation, Question
from telegram_bot.sending import say, typing
from telegram_bot.words import ENGLISH, RUSSIAN, Words, words_for

# What people send on purpose; the rest are notices of the chat itself, such as a pinned message.
WORDLESS = {
    ContentType.ANIMATION,
    ContentType.AUDIO,
    ContentType.CONTACT,
    ContentType.DICE,
    ContentType.DOCUMENT,
    ContentType.LOCATION,
    ContentType.PHOTO,
    ContentType.POLL,
    ContentType.STICKER,
    ContentType.STORY,
    ContentType.VENUE,
    ContentType.VIDEO,
    ContentType.VIDEO_NOTE,
    ContentType.VOICE,
}


def make_router() -> Router:
    """The handlers in the order in which they are asked; the first that fits takes the message."""
    router = Router()
    message = router.message
    message.register(ignore, from_bot)
    message.register(turn_away, from_stranger)
    message.register(greet, Command("start"))
    message.register(start_anew, Command("new"))
    message.register(start_anew, in_private, F.text.in_({RUSSIAN.new_button, ENGLISH.new_button}))
    message.register(give_help, Command("help"))
    message.register(give_help, in_private, F.text.in_({RUSSIAN.help_button, ENGLISH.help_button}))
    message.register(relay, F.text, addressed)
    message.register(ask_for_text, in_private, F.content_type.in_(WORDLESS))
    return router


async def show_commands(bot: Bot) -> None:
    """Fill the menu of commands: in Russian for Russians, in English for everybody else."""
    for language, words in ((None, ENGLISH), ("ru", RUSSIAN)):
        menu = [BotCommand(command=name, description=text) for name, text in words.commands.items()]
        await bot.set_my_commands(menu, language_code=language)


async def ignore(message: Message) -> None:
    """Two bots that answer each other would never end."""


async def turn_away(message: Message) -> None:
    if in_private(message):
        await say(message, _words(message).not_allowed)


async def greet(message: Message) -> None:
    await say(message, _words(message).greeting, _keyboard(message))


async def give_help(message: Message) -> None:
    await say(message, _words(message).help, _keyboard(message))


async def ask_for_text(message: Message) -> None:
    await say(message, _words(message).only_text)


async def start_anew(message: Message, backend: BackendClient) -> None:
    words = _words(message)
    try:
        await backend.reset(_conversation(message))
    except BackendProblem as problem:
        await say(message, words.problem(problem.type, problem.status))
    else:
        await say(message, words.new_dialogue, _keyboard(message))


async def relay(message: Message, question: str, backend: BackendClient, bot: Bot) -> None:
    words = _words(message)
    if not question:
        await say(message, words.called)
        return
    asked = Question(
        text=question,
        key=f"telegram:{bot.id}:{message.chat.id}:{message.message_id}",
        chat_type=message.chat.type,
        user_name=speaker_name(message),
        language=language_of(message),
    )
    try:
        async with typing(message):
            answer = await backend.answer(_conversation(message), asked)
    except BackendProblem as problem:
        answer = words.problem(problem.type, problem.status)
    await say(message, answer if answer.strip() else words.empty_answer)


def _conversation(message: Message) -> Conversation:
    topic = topic_id(message)
    return Conversation(
        chat_id=str(message.chat.id),
        user_id=str(speaker_id(message)),
        thread_id=None if topic is None else str(topic),
    )


def _words(message: Message) -> Words:
    return words_for(language_of(message))


def _keyboard(message: Message) -> ReplyKeyboardMarkup | None:
    """The two buttons; none in a group, where everybody would get them."""
    if not in_private(message):
        return None
    words = _words(message)
    buttons = [KeyboardButton(text=words.new_button), KeyboardButton(text=words.help_button)]
    return ReplyKeyboardMarkup(keyboard=[buttons], resize_keyboard=True, is_persistent=True)
