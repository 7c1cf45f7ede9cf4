"""How a question before an action is seen: all that will be done, the buttons to answer it, and what was answered."""

from datetime import UTC, datetime

from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup

from telegram_bot.backend_client import Confirmation
from telegram_bot.formatting import Enclosed, Part, Stretch, compose, exposed, fitting, on_one_line, units
from telegram_bot.words import Words

# What is longer is cut in the message, and comes whole as a file before it.
LONGEST_TITLE, LONGEST_DETAIL = 200, 3_000
DIFFS = ("--- ", "diff --git ")
LEAST_SECONDS = 1.0


def confirmation_parts(card: Confirmation, words: Words) -> list[Part | Enclosed]:
    """The question is the last one; before it, what does not fit into it."""
    title, detail = exposed(card.title), exposed(card.detail)
    shown = detail.replace("\t", "    ")
    whole = units(shown) <= LONGEST_DETAIL and on_one_line(title, LONGEST_TITLE) == title
    question = _question(card, title, shown, whole, words)
    if whole:
        return [question]
    name = f"confirmation-{card.id}.{'diff' if _language(detail) else 'txt'}"
    return [Enclosed(name, "text/plain", f"{title}\n\n{detail}\n".encode()), question]


def confirmation_markup(card: Confirmation, user_id: str, words: Words) -> InlineKeyboardMarkup | None:
    """For the person only; none when it was answered."""
    if card.state != "waiting" or not user_id:
        return None
    rows = [answer_buttons(card, user_id, words)]
    if card.grants and card.kind == "action":
        rows.append([InlineKeyboardButton(text=words.always_button, callback_data=f"always:{card.id}:{user_id}")])
    return InlineKeyboardMarkup(inline_keyboard=rows)


def answer_buttons(card: Confirmation, user_id: str, words: Words) -> list[InlineKeyboardButton]:
    return [
        InlineKeyboardButton(text=words.confirm_buttons[card.kind], callback_data=f"yes:{card.id}:{user_id}"),
        InlineKeyboardButton(text=words.refuse_buttons[card.kind], callback_data=f"no:{card.id}:{user_id}"),
    ]


def seconds_left(until: datetime) -> float:
    return max((until - datetime.now(UTC)).total_seconds(), LEAST_SECONDS)


def _question(card: Confirmation, title: str, detail: str, whole: bool, words: Words) -> Part:
    stretches = [Stretch(words.asking[card.kind], "bold"), Stretch(f"\n{on_one_line(title, LONGEST_TITLE)}")]
    shown = detail if whole else _beginning(detail)
    if shown.strip():
        stretches += [Stretch("\n"), Stretch(shown.rstrip("\n"), "pre", _language(detail))]
    if not whole and card.state == "waiting":
        stretches.append(Stretch(f"\n{words.beginning_only}"))
    return compose(*stretches, Stretch(f"\n\n{_standing(card, words)}"))


def _beginning(detail: str) -> str:
    """Whole lines, where there are any."""
    shown = fitting(detail, LONGEST_DETAIL)
    return (shown[: shown.rfind("\n")] if "\n" in shown.strip() else shown) + "\n…"


def _language(detail: str) -> str | None:
    return "diff" if detail.startswith(DIFFS) else None


def _standing(card: Confirmation, words: Words) -> str:
    if card.state == "waiting":
        return words.asked_until.format(wait=words.wait(seconds_left(card.expires)))
    answer = "always" if card.state == "confirmed" and card.always else card.state
    return words.answers[card.kind][answer] + words.answered_via.get(card.answered_via, "")
