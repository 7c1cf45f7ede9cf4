"""What a delivery looks like in Telegram: its parts, and the buttons under the last one."""

from collections.abc import Mapping, Sequence

from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    ReplyKeyboardMarkup,
)

from telegram_bot.backend_client import ChangedCard, Confirmation, Delivery, FileCard, read, read_run
from telegram_bot.confirmation_cards import confirmation_markup, confirmation_parts
from telegram_bot.formatting import Enclosed, Part, Piece, render
from telegram_bot.run_cards import run_markup, run_parts
from telegram_bot.words import words_for

Markup = InlineKeyboardMarkup | ReplyKeyboardMarkup
CARDS = {"run", "confirmation"}


def pieces_of(delivery: Delivery, content: bytes = b"") -> Sequence[Piece]:
    """As many whenever they are asked for; none where nothing is to be seen. `content` is that of a file."""
    words = words_for(delivery.language)
    match delivery.kind:
        case "problem":
            return [_plain(words.problem(delivery.text, 0))]
        case "notice":
            return render(delivery.text)
        case "file":
            file = read(FileCard, delivery.card)
            return [Enclosed(file.name, file.media_type, content)]
        case "run" | "confirmation":
            return card_pieces(delivery)
    text = _shortened(delivery.text, delivery.max_length)
    if delivery.stopped:
        return render(text, postscript=words.stopped if text.strip() else words.stopped_before_a_word)
    return render(text) or [_plain(words.empty_answer)]


def card_pieces(shown: Delivery | ChangedCard) -> Sequence[Piece]:
    """The card itself is the last one."""
    words = words_for(shown.language)
    if shown.kind == "run":
        return run_parts(_shortened(shown.text, shown.max_length), read_run(shown.card), words)
    return confirmation_parts(read(Confirmation, shown.card), words)


def card_markup(shown: Delivery | ChangedCard) -> InlineKeyboardMarkup | None:
    """The buttons of a card, as long as there is something to decide."""
    words = words_for(shown.language)
    if shown.kind == "run":
        return run_markup(read_run(shown.card), shown.user_id, words)
    return confirmation_markup(read(Confirmation, shown.card), shown.user_id, words)


def draft_of(text: str) -> Part | None:
    """What can be shown of an answer that is still being written: the end of it, if it is long."""
    parts = render(text)
    return parts[-1] if parts else None


def markup_of(delivery: Delivery) -> Markup | None:
    """The buttons it has; a notice without any brings the keyboard, but to no group: everybody would get it."""
    if delivery.buttons:
        rows = [[_button(button) for button in row] for row in delivery.buttons]
        return InlineKeyboardMarkup(inline_keyboard=rows)
    if delivery.kind in CARDS:
        return card_markup(delivery)
    if delivery.kind != "notice" or delivery.chat_id.startswith("-"):
        return None
    words = words_for(delivery.language)
    labels = [KeyboardButton(text=words.new_button), KeyboardButton(text=words.help_button)]
    return ReplyKeyboardMarkup(keyboard=[labels], resize_keyboard=True, is_persistent=True)


def stop_button(user_id: str, language: str) -> InlineKeyboardMarkup:
    """Ends the answer to this person."""
    button = InlineKeyboardButton(text=words_for(language).stop_button, callback_data=f"stop:{user_id}")
    return InlineKeyboardMarkup(inline_keyboard=[[button]])


def _shortened(text: str, longest: int | None) -> str:
    """As much of an answer as its bot's operator wants to be sent."""
    return text if longest is None or len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _plain(sentence: str) -> Part:
    """What the relay or the backend says: it is no Markdown."""
    return Part(sentence, (), ())


def _button(button: Mapping[str, str]) -> InlineKeyboardButton:
    return InlineKeyboardButton(text=button["text"], callback_data=button.get("data"), url=button.get("url"))
