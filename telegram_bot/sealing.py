"""Opens the tokens that the backend keeps sealed."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class CannotOpen(Exception):
    """The token cannot be opened; the text says why, for the one who runs the bot."""


def open_sealed(sealed: str, keys: Iterable[str]) -> str:
    """What was sealed with any of the keys of SECRET_KEY. Raises CannotOpen."""
    fernets = [Fernet(urlsafe_b64encode(sha256(key.encode()).digest())) for key in keys]
    if not fernets:
        raise CannotOpen("SECRET_KEY is not set for this process: give it the one that the backend has")
    try:
        return MultiFernet(fernets).decrypt(sealed).decode()
    except InvalidToken:
        raise CannotOpen("the token was sealed with another SECRET_KEY than this process has") from None
