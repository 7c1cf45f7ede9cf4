"""What the relay does with each kind of message."""

from aiogram import Bot, F, Router
from aiogram.enums import ContentType
from aiogram.filters import Command
from aiogram.types import BotCommand, Message

from telegram_bot.addressing import (
    addressed,
    from_bot,
    in_private,
    language_of,
    speaker_name,
)
from telegram_bot.backend_client import BackendClient, BackendProblem, BotConfig, Conversation, Question
from telegram_bot.replies import Replies, addressee
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


async def greet(message: Message, replies: Replies) -> None:
    await replies.say(message, _words(message).greeting)


async def give_help(message: Message, replies: Replies) -> None:
    await replies.say(message, _words(message).help)


async def ask_for_text(message: Message, replies: Replies) -> None:
    await replies.say(message, _words(message).only_text)


async def start_anew(message: Message, backend: BackendClient, config: BotConfig, replies: Replies) -> None:
    words = _words(message)
    try:
        await backend.reset(_conversation(message, config))
    except BackendProblem as problem:
        _raise_passing(problem)
        await replies.say(message, words.problem(problem.type, problem.status))
    else:
        await replies.say(message, words.new_dialogue)


async def relay(message: Message, question: str, bot: Bot, replies: Replies) -> None:
    words = _words(message)
    if not question:
        await replies.say(message, words.called)
        return
    asked = Question(
        text=question,
        key=f"telegram:{bot.id}:{message.chat.id}:{message.message_id}",
        chat_type=message.chat.type,
        user_name=speaker_name(message),
        language=language_of(message) or "",
    )
    try:
        await replies.ask(message, asked)
    except BackendProblem as problem:
        _raise_passing(problem)
        await replies.say(message, words.problem(problem.type, problem.status))


def _raise_passing(problem: BackendProblem) -> None:
    """The update comes again, when the backend may be back."""
    if problem.passing:
        raise problem


def _conversation(message: Message, config: BotConfig) -> Conversation:
    whom = addressee(message)
    return Conversation(config.slug, whom.chat_id, whom.user_id, whom.thread_id)


def _words(message: Message) -> Words:
    return words_for(language_of(message))
