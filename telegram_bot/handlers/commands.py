"""The commands, and the two buttons of the keyboard that do the same."""

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.types import BotCommand, BotCommandScopeAllGroupChats, BotCommandScopeAllPrivateChats, Message

from telegram_bot.addressing import conversation_of, in_private, speaker_id
from telegram_bot.backend_client import BackendClient, BackendProblem, BotConfig, Button, Reset
from telegram_bot.cards import context_card, stats_card, ways_to_call
from telegram_bot.handlers.telling import answer, tell, words_of
from telegram_bot.replies import Replies
from telegram_bot.words import ENGLISH, RUSSIAN


def register(router: Router) -> None:
    message = router.message
    message.register(greet, Command("start", ignore_case=True))
    message.register(give_help, Command("help", ignore_case=True))
    message.register(give_help, in_private, F.text.in_({RUSSIAN.help_button, ENGLISH.help_button}))
    message.register(start_anew, Command("new", ignore_case=True))
    message.register(start_anew, in_private, F.text.in_({RUSSIAN.new_button, ENGLISH.new_button}))
    message.register(forget, Command("clear", ignore_case=True))
    message.register(stop, Command("stop", ignore_case=True))
    message.register(show_stats, Command("stats", ignore_case=True))
    message.register(show_context, Command("context", ignore_case=True))


async def show_commands(bot: Bot) -> None:
    """Fill the menus of commands: in Russian for Russians, in English for everybody else."""
    for language, words in ((None, ENGLISH), ("ru", RUSSIAN)):
        for scope, commands in (
            (BotCommandScopeAllPrivateChats(), words.commands),
            (BotCommandScopeAllGroupChats(), words.commands_in_groups),
        ):
            menu = [BotCommand(command=name, description=text) for name, text in commands.items()]
            await bot.set_my_commands(menu, scope=scope, language_code=language)


async def greet(message: Message, bot: Bot, config: BotConfig, replies: Replies) -> None:
    """A deep link's payload changes nothing: whoever comes back finds the dialogue as it was."""
    words = words_of(message)
    if in_private(message):
        await answer(message, words.greeting, replies)
        return
    me = await bot.me()
    greeting = words.greeting_in_group.format(ways=ways_to_call(config, me, words), mention=f"@{me.username}")
    await answer(message, greeting, replies)


async def give_help(message: Message, bot: Bot, config: BotConfig, replies: Replies) -> None:
    words = words_of(message)
    if in_private(message):
        await answer(message, words.help, replies)
    else:
        await answer(message, words.help_in_group.format(ways=ways_to_call(config, await bot.me(), words)), replies)


async def start_anew(message: Message, config: BotConfig, backend: BackendClient, replies: Replies) -> None:
    words = words_of(message)
    try:
        closed = await backend.reset(conversation_of(message, config))
    except BackendProblem as problem:
        await tell(message, problem, replies)
    else:
        await _say_closed(message, words.new_dialogue, closed, replies)


async def forget(message: Message, config: BotConfig, backend: BackendClient, replies: Replies) -> None:
    words = words_of(message)
    try:
        closed = await backend.reset(conversation_of(message, config), forget=True)
    except BackendProblem as problem:
        await tell(message, problem, replies)
    else:
        sentence = words.forgetting if closed.session_ids else words.nothing_to_forget
        await _say_closed(message, sentence, closed, replies)


async def _say_closed(message: Message, sentence: str, closed: Reset, replies: Replies) -> None:
    """With a way back. It does not count: there was a message for each dialogue that is closed."""
    if not closed.session_ids:
        await answer(message, sentence, replies)
        return
    undo = Button(words_of(message).undo_button, data=f"undo:{closed.session_ids[0]}:{speaker_id(message)}")
    await replies.say(message, sentence, [[undo]])


async def stop(message: Message, config: BotConfig, backend: BackendClient, replies: Replies) -> None:
    """What was written by then comes as the answer, and what was done as a run's result; else there is nothing."""
    try:
        stopped = await backend.runs.stop(conversation_of(message, config))
    except BackendProblem as problem:
        await tell(message, problem, replies)
    else:
        if not stopped.turns and not stopped.runs:
            await answer(message, words_of(message).nothing_to_stop, replies)


async def show_stats(message: Message, config: BotConfig, backend: BackendClient, replies: Replies) -> None:
    words = words_of(message)
    try:
        session_id = await backend.active_session(conversation_of(message, config))
        stats = await backend.stats(session_id) if session_id else None
    except BackendProblem as problem:
        await tell(message, problem, replies)
    else:
        await answer(message, stats_card(stats, words) if stats else words.nothing_counted, replies)


async def show_context(message: Message, config: BotConfig, backend: BackendClient, replies: Replies) -> None:
    words = words_of(message)
    try:
        session_id = await backend.active_session(conversation_of(message, config))
        if session_id is None:
            await answer(message, words.nothing_counted, replies)
            return
        stats, window = await backend.stats(session_id), await backend.window(session_id)
    except BackendProblem as problem:
        await tell(message, problem, replies)
    else:
        await answer(message, context_card(window, stats, words), replies)
