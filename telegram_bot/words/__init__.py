"""What people read: every sentence of the relay, in Russian and in English."""

from telegram_bot.words.english import ENGLISH
from telegram_bot.words.russian import RUSSIAN
from telegram_bot.words.words import Words

__all__ = ["ENGLISH", "RUSSIAN", "Words", "words_for"]


def words_for(language: str | None) -> Words:
    """The sentences for a person's language code, such as `ru-RU`; English when it is unknown."""
    return RUSSIAN if (language or "").lower().startswith("ru") else ENGLISH
