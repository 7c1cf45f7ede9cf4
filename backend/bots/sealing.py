"""Tokens are kept sealed: who reads the database, or a copy of it, learns none."""

import base64
import hashlib
import re
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from backend.errors import Invalid, Unavailable

# As BotFather gives them out: the bot's number in Telegram, and a secret of 35 characters.
TOKEN = re.compile(r"(\d{1,18}):[A-Za-z0-9_-]{30,100}")


class TokenInvalid(Invalid):
    """This is not a token: one looks like 123456789:AAbb…, and comes from @BotFather."""


class SecretKeyMissing(Unavailable):
    """Tokens are kept sealed, and SECRET_KEY, which seals them, is not set."""


class SecretKeyWrong(Unavailable):
    """No key of SECRET_KEY opens this token: it was sealed with another one."""


def telegram_id(token: str) -> int:
    """Whose token it is. Raises `TokenInvalid`."""
    if not (parts := TOKEN.fullmatch(token)):
        raise TokenInvalid
    return int(parts[1])


def without_tokens(text: str) -> str:
    """A text from outside, for people and logs: addresses of Telegram have the token in them."""
    return TOKEN.sub("…", text)


class Seal:
    """The first key seals, all of them open: so a new one can come in before the old one goes."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([_fernet(key) for key in keys]) if keys else None

    def close(self, token: str) -> str:
        """Raises `SecretKeyMissing`."""
        return self._with_keys().encrypt(token.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises `SecretKeyMissing`, `SecretKeyWrong`."""
        try:
            return self._with_keys().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise SecretKeyWrong from None

    def renew(self, sealed: str) -> str:
        """The same token, sealed with the first key. Raises `SecretKeyMissing`, `SecretKeyWrong`."""
        return self.close(self.open(sealed))

    def _with_keys(self) -> MultiFernet:
        if self._fernet is None:
            raise SecretKeyMissing
        return self._fernet


def _fernet(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
