"""An address that speaks OpenAI's HTTP, and the connections to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from backend.llm import wire

HEADERS = {"Accept": "application/json", "Content-Type": "application/json", "User-Agent": "llm-bot-core"}
# Time limits are the caller's: it knows who else could answer.
NO_LIMIT = aiohttp.ClientTimeout(total=None, sock_connect=None)


class Endpoint:
    """Plain HTTP: of a vendor's client only the way to send bytes would be used, at five times the cost (see
    docs/adr/0004-http-instead-of-a-vendors-client.md).
    """

    def __init__(self, base_url: str, key: str) -> None:
        self._base = URL(base_url)
        self._headers = HEADERS | ({"Authorization": f"Bearer {key}"} if key else {})
        self._session: aiohttp.ClientSession | None = None

    def under(self, path: str) -> URL:
        """The address may carry a query, which stays."""
        return self._base.with_path(f"{self._base.path.rstrip('/')}/{path}", keep_query=True)

    @property
    def http(self) -> aiohttp.ClientSession:
        """Made at the first call, because it belongs to the loop that runs then."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=NO_LIMIT,
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                proxy=_proxy_to(self._base),
            )
        return self._session

    async def close(self) -> None:
        if self._session:
            await self._session.close()


def _proxy_to(url: URL) -> str | None:
    """What HTTPS_PROXY and its like say. aiohttp's `trust_env` would ask them, and .netrc, in every call."""
    return None if proxy_bypass(url.host or "") else getproxies().get(url.scheme)


@contextmanager
def failures_in_our_words() -> Iterator[None]:
    """Turns what a connection raises into `ProviderFailed`."""
    try:
        yield
    except wire.FAILURES as error:
        raise wire.failure_of(error) from None
