"""What waits for a person's decision and what they have allowed, as one message with buttons."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from telegram_bot.backend_client import Button, Confirmation, Grant
from telegram_bot.confirmation_cards import seconds_left
from telegram_bot.formatting import exposed, on_one_line, units
from telegram_bot.words import Words

# So many rows of buttons has a notice; what is left over is answered by commands, or where it was asked.
MOST_QUESTIONS, MOST_ROWS = 4, 8
# All that is asked has to be read before it is answered: what is longer is answered where it was asked.
LONGEST_LISTED, LONGEST_KIND = 1_500, 30


def pending_text(asked: Sequence[Confirmation], granted: Sequence[Grant], chat_id: str, words: Words) -> str:
    """Markdown."""
    return "\n\n".join((*_questions(asked, words), *_grants(granted, chat_id, words)))


def pending_buttons(
    asked: Sequence[Confirmation], granted: Sequence[Grant], user_id: str, words: Words
) -> list[list[Button]]:
    rows = [
        [
            Button(f"{words.confirm_buttons[question.kind]} {question.id}", data=f"yes:{question.id}:{user_id}"),
            Button(f"{words.refuse_buttons[question.kind]} {question.id}", data=f"no:{question.id}:{user_id}"),
        ]
        for question in filter(_is_whole, asked)
    ][:MOST_QUESTIONS]
    for grant in granted[: MOST_ROWS - len(rows)]:
        label = words.revoke_button.format(kind=on_one_line(exposed(grant.kind), LONGEST_KIND))
        rows.append([Button(label, data=f"revoke:{grant.id}:{user_id}")])
    return rows


def _questions(asked: Sequence[Confirmation], words: Words) -> Iterator[str]:
    if asked:
        yield words.pending_title
    for question in asked:
        yield f"{words.asking[question.kind]}\n{_fenced(_shown(question, words))}\n{_how(question, words)}"


def _shown(question: Confirmation, words: Words) -> str:
    title, detail = exposed(question.title), exposed(question.detail)
    return f"{title}\n{detail}" if _is_whole(question) else on_one_line(title, LONGEST_LISTED)


def _how(question: Confirmation, words: Words) -> str:
    if not _is_whole(question):
        return words.too_long_to_list
    return words.pending_item.format(wait=_left(question.expires, words), id=question.id)


def _is_whole(question: Confirmation) -> bool:
    return units(exposed(question.title)) + units(exposed(question.detail)) <= LONGEST_LISTED


def _grants(granted: Sequence[Grant], chat_id: str, words: Words) -> Iterator[str]:
    if granted:
        lines = [
            f"- `{exposed(grant.kind).replace('`', '')}`{words.grants_item.format(wait=_left(grant.expires, words))}"
            + ("" if grant.chat_id == chat_id else words.in_another_chat)
            for grant in granted
        ]
        yield "\n".join((words.grants_title, "", *lines))


def _left(until: datetime, words: Words) -> str:
    return words.wait(seconds_left(until))


def _fenced(text: str) -> str:
    """As code, whatever there is in it."""
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in re.findall("`+", text)), 0)
    return f"{fence}\n{text}\n{fence}"
