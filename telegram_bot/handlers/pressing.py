"""How somebody learns what became of pressing a button, and whose it is."""

import re
from contextlib import suppress

from aiogram.exceptions import AiogramError
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from telegram_bot.backend_client import BackendProblem
from telegram_bot.words import Words


def may_press(query: CallbackQuery, whose: str) -> bool:
    """The person themselves; in a group's name everybody may, as nobody knows who wrote in it."""
    chat = str(query.message.chat.id) if query.message else ""
    return whose in (str(query.from_user.id), chat)


async def answer_with(query: CallbackQuery, problem: BackendProblem, words: Words) -> None:
    """A press is not handled again later: the person sees at once that it did not work."""
    await answer(query, words.problem(problem.type, problem.status, problem.members), alert=True)


async def answer(query: CallbackQuery, text: str, alert: bool = False) -> None:
    with suppress(AiogramError):  # a press of long ago cannot be answered any more
        await query.answer(text, show_alert=alert)


async def without_buttons(query: CallbackQuery, text: str = "") -> None:
    """What the button did can be read where it was; nothing is lost if it cannot."""
    message = query.message
    if not isinstance(message, Message):
        return
    with suppress(AiogramError):
        if text:
            await message.edit_text(text, parse_mode=None)
        else:
            await message.edit_reply_markup(reply_markup=None)


async def without_buttons_of(query: CallbackQuery, data: re.Pattern[str]) -> None:
    """The rows with such buttons are gone, the others stay; nothing is lost if they cannot."""
    message = query.message
    if not isinstance(message, Message) or message.reply_markup is None:
        return
    rows = [
        row
        for row in message.reply_markup.inline_keyboard
        if not any(data.match(button.callback_data or "") for button in row)
    ]
    with suppress(AiogramError):
        await message.edit_reply_markup(reply_markup=InlineKeyboardMarkup(inline_keyboard=rows) if rows else None)
