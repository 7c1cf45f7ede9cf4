"""The console's own door: whoever knows its password, or has a link from the terminal, gets a signed cookie.

Nothing of it is kept, so that the console opens while the database is away. It is no key to the API, and none of the
API's keys opens it.
"""

import hmac
import ipaddress
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from backend.api.gate import is_local, is_of_same_origin
from backend.bots import rates
from backend.database import Database
from backend.errors import Forbidden, TooMany
from backend.settings import Settings
from backend.signing import LINK, Pass, console_signer

COOKIE, STAY_SECONDS = "llmbot_console", 7 * 24 * 3600
# Whose door is open anyway has a cookie too: his forms must be told from those of other pages.
ENTERED, PASSING, FORM = "entered", "passing", "form"
ATTEMPTS_PER_MINUTE = 5


class EnterFirst(Exception):
    """Nobody has entered here with this browser."""


class ConsoleClosed(Forbidden):
    """The console has no password, so that it is closed."""


class PageOutdated(Forbidden):
    """This page is no longer good, or is not ours: load it again."""


class TooManyAttempts(TooMany):
    """Too many attempts to enter."""


class Door:
    """Tells who may come in."""

    def __init__(self, settings: Settings) -> None:
        self._password = settings.console_password.get_secret_value()
        self._signer = console_signer(settings.secret_keys, self._password)
        self._open_at_home = not self._password and not settings.keys

    def stands_open(self, request: Request) -> bool:
        """Without a password the same is let in as by the API without keys. Raises `ConsoleClosed`."""
        if self._password:
            return False
        if self._open_at_home and is_local(request.scope["client"], dict(request.scope["headers"])):
            return True
        raise ConsoleClosed

    def look(self, request: Request) -> Pass:
        """Whose request it is; of what changes something, whether it comes from our own page.

        Raises `ConsoleClosed`, `EnterFirst`, `PageOutdated`.
        """
        open_anyway = self.stands_open(request)
        found = self._signer.read(PASSING if open_anyway else ENTERED, request.cookies.get(COOKIE, ""))
        if found is None and open_anyway and request.method == "GET":
            request.state.cookie = self._signer.issue(PASSING, STAY_SECONDS)
            found = self._signer.read(PASSING, request.state.cookie)
        if found is None:
            raise PageOutdated if open_anyway else EnterFirst
        return found

    def form_code(self, visitor: Pass) -> str:
        """What a form of ours sends along; another page cannot know it."""
        return self._signer.mark(FORM, visitor.id)

    def check_form(self, request: Request, visitor: Pass, code: str) -> None:
        """Raises `PageOutdated`."""
        if not self._signer.is_mark(FORM, visitor.id, code):
            raise PageOutdated
        check_origin(request)

    async def knock(self, db: Database, request: Request, password: str) -> str | None:
        """The cookie of who knows the password; every attempt counts.

        Raises `TooManyAttempts`, `PageOutdated`, `ConsoleClosed`, `StorageUnavailable`.
        """
        check_origin(request)
        self.stands_open(request)
        if wait := await rates.count(db, f"console {_neighbourhood(request)}", ATTEMPTS_PER_MINUTE):
            raise TooManyAttempts(retry_after=wait)
        given = password.encode(errors="surrogatepass")
        if self._password and hmac.compare_digest(given, self._password.encode()):
            return self._signer.issue(ENTERED, STAY_SECONDS)
        return None

    async def follow(self, db: Database, link: str) -> str | None:
        """The cookie of who has a link that nobody has used. Raises `StorageUnavailable`."""
        found = self._signer.read(LINK, link) if self._password else None
        if found and await rates.use_up(db, f"console link {found.id}", found.until):
            return self._signer.issue(ENTERED, STAY_SECONDS)
        return None


def check_origin(request: Request) -> None:
    """Raises `PageOutdated`."""
    if not is_of_same_origin(dict(request.scope["headers"])):
        raise PageOutdated


def hand_over(request: Request, response: Response, cookie: str) -> None:
    """Only to us, and not to scripts. Behind a proxy with TLS, the proxy tells that it is there."""
    schemes = request.url.scheme, request.headers.get("x-forwarded-proto", "")
    response.set_cookie(
        COOKIE, cookie, max_age=STAY_SECONDS, path="/", secure="https" in schemes, httponly=True, samesite="strict"
    )


def _neighbourhood(request: Request) -> str:
    """An address; of IPv6 the network, because whoever has one address there has them all."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown"
    return str(address) if address.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


async def visitor(request: Request) -> Pass:
    """Who looks at a page, or, if it is sent, fills in a form of it."""
    door: Door = request.state.console.door
    found = door.look(request)
    if request.method != "GET":
        form = await request.form()
        door.check_form(request, found, str(form.get("code", "")))
    request.state.form_code = door.form_code(found)
    return found


VisitorDep = Annotated[Pass, Depends(visitor)]
