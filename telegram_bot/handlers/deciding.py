"""How people answer what they are asked before an action, and take back what they have allowed."""

import re

from aiogram import Bot, F, Router
from aiogram.enums import ChatMemberStatus
from aiogram.exceptions import AiogramError
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from telegram_bot.addressing import in_private, speaker_id
from telegram_bot.backend_client import BackendClient, BackendProblem, BotConfig
from telegram_bot.handlers import telling
from telegram_bot.handlers.pressing import answer, answer_with, may_press, without_buttons_of
from telegram_bot.handlers.telling import tell, words_of
from telegram_bot.pending import pending_buttons, pending_text
from telegram_bot.replies import Replies
from telegram_bot.words import Words, words_for

ANSWER = re.compile(r"(?P<how>yes|always|no):(?P<id>\d{1,18}):(?P<whose>-?\d+)$")
REVOKE = re.compile(r"revoke:(?P<id>\d{1,18}):(?P<whose>-?\d+)$")
COMMANDS = re.compile(r"(?P<how>confirm|cancel)_(?P<id>\d{1,18})$", re.IGNORECASE)
BY_COMMAND = {"confirm": "yes", "cancel": "no"}
OVER, NOT_FOUND = "/problems/confirmation-over", "/problems/confirmation-not-found"
REVOKED = "/problems/grant-not-found"
ADMINS = {ChatMemberStatus.CREATOR, ChatMemberStatus.ADMINISTRATOR}


def register(router: Router) -> None:
    router.callback_query.register(decide, F.data.regexp(ANSWER).as_("pressed"), F.message)
    router.callback_query.register(revoke, F.data.regexp(REVOKE).as_("pressed"), F.message)
    router.message.register(decide_by_command, Command(COMMANDS))
    router.message.register(show_pending, Command("pending", ignore_case=True))


async def decide(query: CallbackQuery, pressed: re.Match[str], bot: Bot, backend: BackendClient) -> None:
    """Confirm or cancel; a second tap, or one that comes too late, is told what was decided."""
    words = words_for(query.from_user.language_code)
    if refusal := await _refusal(query, pressed["whose"], bot, words):
        await answer(query, refusal)
        return
    try:
        await _answer(backend, pressed["how"], int(pressed["id"]), pressed["whose"], "button")
    except BackendProblem as problem:
        if problem.type not in (OVER, NOT_FOUND):
            await answer_with(query, problem, words)
            return
        await answer(query, _why_over(problem, words), alert=problem.members.get("state") == "expired")
    else:
        await answer(query, words.confirmed[pressed["how"]])
    await without_buttons_of(query, re.compile(rf"(yes|always|no):{pressed['id']}:"))


async def revoke(query: CallbackQuery, pressed: re.Match[str], bot: Bot, backend: BackendClient) -> None:
    """From now on it is asked again; that it is so already is no error."""
    words = words_for(query.from_user.language_code)
    if refusal := await _refusal(query, pressed["whose"], bot, words):
        await answer(query, refusal)
        return
    try:
        await backend.runs.revoke(int(pressed["id"]), pressed["whose"])
    except BackendProblem as problem:
        if problem.type != REVOKED:
            await answer_with(query, problem, words)
            return
    await answer(query, words.revoked)
    await without_buttons_of(query, re.compile(rf"revoke:{pressed['id']}:"))


async def decide_by_command(
    message: Message, command: CommandObject, config: BotConfig, backend: BackendClient, replies: Replies
) -> None:
    """The same for those who cannot press; another bot in the group may have asked, which is nothing to this one."""
    words, asked = words_of(message), command.regexp_match
    assert asked
    how, id, whose = BY_COMMAND[asked["how"].lower()], int(asked["id"]), str(speaker_id(message))
    try:
        question = await backend.runs.question(id)
        if (question.bot, question.user_id) != (config.slug, whose):
            await telling.answer(message, words.no_such_question, replies)
            return
        await _answer(backend, how, id, whose, "command")
    except BackendProblem as problem:
        if problem.type not in (OVER, NOT_FOUND):
            await tell(message, problem, replies)
            return
        sentence = words.no_such_question if problem.type == NOT_FOUND else _why_over(problem, words)
        await telling.answer(message, sentence, replies)
    else:
        await telling.answer(message, words.confirmed[how], replies)


async def show_pending(message: Message, config: BotConfig, backend: BackendClient, replies: Replies) -> None:
    """What waits for the person, and what they have allowed: in a group only what belongs there."""
    words, whose = words_of(message), str(speaker_id(message))
    chat_id = "" if in_private(message) else str(message.chat.id)
    try:
        asked = await backend.runs.waiting(config.slug, whose, chat_id)
        granted = await backend.runs.grants(config.slug, whose, chat_id)
    except BackendProblem as problem:
        await tell(message, problem, replies)
        return
    if not asked and not granted:
        await telling.answer(message, words.nothing_pending, replies)
        return
    text = pending_text(asked, granted, str(message.chat.id), words)
    await telling.answer(message, text, replies, pending_buttons(asked, granted, whose, words))


async def _answer(backend: BackendClient, how: str, id: int, whose: str, via: str) -> None:
    if how == "no":
        await backend.runs.refuse(id, whose, via)
    else:
        await backend.runs.confirm(id, whose, via, always=how == "always")


def _why_over(problem: BackendProblem, words: Words) -> str:
    state = str(problem.members.get("state", ""))
    return words.over.get(state) or words.problem(problem.type, problem.status, problem.members)


async def _refusal(query: CallbackQuery, whose: str, bot: Bot, words: Words) -> str:
    """Why this person may not answer. What was asked in a group's name, those who may write in it may answer."""
    if not may_press(query, whose):
        return words.not_yours
    if whose == str(query.from_user.id):
        return ""
    try:
        member = await bot.get_chat_member(int(whose), query.from_user.id)
    except AiogramError:
        return words.for_admins
    return "" if member.status in ADMINS else words.for_admins
