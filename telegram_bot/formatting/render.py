"""The way from Markdown to messages."""

from telegram_bot.formatting.parts import LIMIT, Part
from telegram_bot.splitting import split


def render(markdown: str, limit: int = LIMIT) -> list[Part]:
    """The messages that together show a text, each of at most `limit` UTF-16 code units.

    There is none where nothing is to be seen. It never fails, also for a text that is still being written.
    """
    return [Part(piece.strip()) for piece in split(markdown, limit)]
