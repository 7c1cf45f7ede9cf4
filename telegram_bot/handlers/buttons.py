"""What pressing a button does. Every press is answered: else the button keeps spinning."""

import re

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message, MessageGenerationStopped

from telegram_bot.addressing import topic_id
from telegram_bot.backend_client import BackendClient, BackendProblem, BotConfig, Conversation
from telegram_bot.handlers.pressing import answer, answer_with, may_press, without_buttons
from telegram_bot.words import words_for

STOP = re.compile(r"stop:(?P<whose>-?\d+)$")
UNDO = re.compile(r"undo:(?P<session_id>[0-9a-f-]+):(?P<whose>-?\d+)$")
ADMIT = re.compile(r"admit:(?P<code>[^:]+):(?P<decision>yes|no)$")
# The dialogue went on without it, or is forgotten.
TOO_LATE = {"/problems/session-moved-on", "/problems/session-not-found"}


def register(router: Router) -> None:
    query = router.callback_query
    query.register(stop, F.data.regexp(STOP).as_("pressed"), F.message)
    query.register(undo, F.data.regexp(UNDO).as_("pressed"), F.message)
    query.register(admit, F.data.regexp(ADMIT).as_("pressed"))
    router.stopped_message_generation.register(stop_draft)


def refuse_others(router: Router) -> None:
    """Of whatever button nobody knows any more."""
    router.callback_query.register(refuse_stale)


async def stop(query: CallbackQuery, pressed: re.Match[str], config: BotConfig, backend: BackendClient) -> None:
    """End the answer that the button stands under."""
    words = words_for(query.from_user.language_code)
    message, whose = query.message, pressed["whose"]
    assert message
    if not may_press(query, whose):
        await answer(query, words.not_yours)
        return
    thread = topic_id(message) if isinstance(message, Message) else None
    conversation = Conversation(config.slug, str(message.chat.id), whose, "" if thread is None else str(thread))
    try:
        stopped = await backend.stop(conversation)
    except BackendProblem as problem:
        await answer_with(query, problem, words)
    else:
        await answer(query, words.stopped if stopped else words.nothing_to_stop)


async def stop_draft(event: MessageGenerationStopped, config: BotConfig, backend: BackendClient) -> None:
    """End the answer whose draft has its own button; there are drafts in private chats only."""
    thread = event.message_thread_id
    chat_id = str(event.chat.id)
    await backend.stop(Conversation(config.slug, chat_id, chat_id, "" if thread is None else str(thread)))


async def undo(query: CallbackQuery, pressed: re.Match[str], backend: BackendClient) -> None:
    """Go back to the dialogue that was closed."""
    words = words_for(query.from_user.language_code)
    if not may_press(query, pressed["whose"]):
        await answer(query, words.not_yours)
        return
    try:
        await backend.reopen(pressed["session_id"])
    except BackendProblem as problem:
        if problem.type not in TOO_LATE:
            await answer_with(query, problem, words)
            return
        await answer(query, words.too_late, alert=True)
        await without_buttons(query)
    else:
        await answer(query, words.undone)
        await without_buttons(query, words.undone)


async def admit(query: CallbackQuery, pressed: re.Match[str], backend: BackendClient) -> None:
    """The owner lets somebody talk to the bot, or does not."""
    words = words_for(query.from_user.language_code)
    approved = pressed["decision"] == "yes"
    try:
        await backend.decide(pressed["code"], approved, by=str(query.from_user.id))
    except BackendProblem as problem:
        await answer_with(query, problem, words)
        return
    decided = words.admitted if approved else words.turned_away
    await answer(query, decided)
    asked = query.message.text if isinstance(query.message, Message) else None
    await without_buttons(query, f"{asked}\n\n{decided}" if asked else decided)


async def refuse_stale(query: CallbackQuery) -> None:
    await answer(query, words_for(query.from_user.language_code).stale_button)
