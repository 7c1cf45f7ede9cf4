"""What we have signed ourselves, and can tell from what others made up: cookies, links, the forms of a page."""

import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

# What leads into the console once: the terminal prints it, and the backend knows it again.
LINK, LINK_SECONDS = "link", 3600.0


@dataclass(frozen=True, slots=True)
class Pass:
    """Something that was handed out, by its random id, and until when it is good: a moment of Unix time."""

    id: str
    until: int


class Signer:
    """The first key signs, with all of them it is checked. The keys are derived, and good for nothing else."""

    def __init__(self, secrets_: Sequence[str], about: str) -> None:
        """Whoever does not know what it is `about`, a password for example, cannot sign either. Without secrets, what
        is signed is good as long as this object is.
        """
        known = [secret.encode() for secret in secrets_] or [secrets.token_bytes(32)]
        self._keys = [hmac.digest(secret, f"llmbot signs {about}".encode(), hashlib.sha256) for secret in known]

    def issue(self, purpose: str, seconds: float) -> str:
        """A new pass, in letters that addresses and cookies may hold."""
        told = f"{secrets.token_urlsafe(16)}.{int(time.time() + seconds)}"
        return f"{told}.{self.mark(purpose, told)}"

    def read(self, purpose: str, issued: str) -> Pass | None:
        """None if we did not issue it for this purpose, or it is over."""
        told, _, mark = issued.rpartition(".")
        id, _, until = told.partition(".")
        if not self.is_mark(purpose, told, mark) or int(until) <= time.time():
            return None
        return Pass(id, int(until))

    def mark(self, purpose: str, text: str) -> str:
        return _mark(self._keys[0], purpose, text)

    def is_mark(self, purpose: str, text: str, mark: str) -> bool:
        """Every key is tried, each in constant time."""
        given = mark.encode(errors="surrogatepass")
        fits = [hmac.compare_digest(_mark(key, purpose, text).encode(), given) for key in self._keys]
        return any(fits)


def _mark(key: bytes, purpose: str, text: str) -> str:
    return hmac.digest(key, f"{purpose}\x00{text}".encode(errors="surrogatepass"), hashlib.sha256).hex()


def console_signer(secrets_: Sequence[str], password: str) -> Signer:
    """Of passes into the console: another password, or another key, ends all that were issued."""
    return Signer([secret.strip() for secret in secrets_ if secret.strip()], f"for the console {password}")
