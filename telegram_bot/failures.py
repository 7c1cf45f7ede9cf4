"""What is told about a failure: to the log where, to an operator what to do."""

import traceback

from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramUnauthorizedError,
)


def where(error: BaseException) -> str:
    """The places it came through, without its own text: that may quote what a person wrote."""
    return "".join(traceback.format_tb(error.__traceback__))


def explain(error: AiogramError) -> str:
    """Why a bot cannot receive, in words for the one who runs it."""
    match error:
        case TelegramUnauthorizedError() | TelegramNotFound():
            return "Telegram does not know the bot's token: copy it again from @BotFather"
        case TelegramConflictError():
            return "another program receives this bot's messages: stop one of the two"
        case TelegramNetworkError():
            return f"Telegram cannot be reached: {error.message}"
        case TelegramAPIError():
            return f"Telegram refuses: {error.message}"
        case _:
            return f"Telegram gives no readable answer: {type(error).__name__}"
