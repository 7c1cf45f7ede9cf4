"""Tokens as BotFather gives them out, and what seals them in tests."""

from backend.bots import Seal

KEY, OTHER_KEY = "a key of a test that nobody can guess", "another one that is long enough too"
SEAL = Seal([KEY])


def token(number: int = 1) -> str:
    """Of the bot that Telegram knows by this number."""
    return f"{number}:AAtoken-of-a-test_which-has-35-letter"
