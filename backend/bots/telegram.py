"""Whom a token belongs to, as Telegram says. Its addresses hold the token: none is ever shown or logged."""

import aiohttp

from backend.database import forbid_open_transaction
from backend.errors import Unavailable

PATIENCE = aiohttp.ClientTimeout(total=10)


class TelegramUnavailable(Unavailable):
    """Telegram did not answer."""


async def ask_username(server: str, token: str) -> str | None:
    """The bot's name, or None if Telegram does not know the token. Raises `TelegramUnavailable`."""
    forbid_open_transaction()
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as http,
            http.get(f"{server.rstrip('/')}/bot{token}/getMe") as response,
        ):
            told = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        # The cause would bring the address along, into whatever shows it.
        raise TelegramUnavailable(f"{server} did not answer ({type(error).__name__})") from None
    match told:
        case {"ok": True, "result": {"username": str(username)}}:
            return username
        case {"ok": False, "error_code": 401 | 404}:
            return None
    raise TelegramUnavailable(f"{server} answered something else")
