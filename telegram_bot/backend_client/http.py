"""One request to the backend, and when it is made again."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from telegram_bot.backend_client.problems import (
    NO_ANSWER_IN_TIME,
    UNNAMED,
    UNREACHABLE,
    BackendProblem,
    members_of,
    problem_in,
)

log = logging.getLogger(__name__)

PAUSES = (0.2, 0.5, 1.0)

Json = Mapping[str, Any]


class Http:
    """Raises BackendProblem for whatever is not the answer that was asked for."""

    def __init__(self, session: ClientSession, pauses: Sequence[float] = PAUSES) -> None:
        self._session = session
        self._pauses = pauses

    async def insist(self, method: str, path: str, **sent: Any) -> dict[str, Any]:
        """The answer; asked for a few times where that may help. Only for what is safe to repeat."""
        for pause in self._pauses:
            try:
                return await self.ask(method, path, **sent)
            except BackendProblem as problem:
                if not problem.passing:
                    raise
                log.info("the backend: %s; trying again in %.1f s", problem, pause)
            await asyncio.sleep(pause)
        return await self.ask(method, path, **sent)

    async def ask(self, method: str, path: str, *, seconds: float | None = None, **sent: Any) -> dict[str, Any]:
        """The answer's members, after one attempt; `seconds` is how long to wait for it, if not as long as usual."""
        if seconds is not None:
            sent["timeout"] = ClientTimeout(total=seconds, sock_connect=5)
        form: Callable[[], Any] | None = sent.pop("form", None)
        if form:  # made anew for each attempt: it can be read only once
            sent["data"] = form()
        with_problems = self.open(method, path, **sent)
        async with with_problems as response:
            content = await response.read()
        members = members_of(content)
        if response.status != 204 and not members:
            raise BackendProblem(UNNAMED, response.status)
        return members

    @asynccontextmanager
    async def open(self, method: str, path: str, **sent: Any) -> AsyncIterator[ClientResponse]:
        """The response, if its status says that all is well; what breaks while it is read is a problem too."""
        try:
            async with self._session.request(method, path, **sent) as response:
                if response.status >= 300:
                    raise problem_in(await response.read(), response.status)
                yield response
        except ClientError as error:
            raise BackendProblem(UNREACHABLE) from error
        except TimeoutError as error:
            raise BackendProblem(NO_ANSWER_IN_TIME) from error
