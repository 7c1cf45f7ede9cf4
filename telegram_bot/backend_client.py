"""The relay's only window on the world: the backend's API."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

log = logging.getLogger(__name__)

# Problems that only a client can notice, beside those the backend reports.
UNREACHABLE = "unreachable"
NO_ANSWER_IN_TIME = "no-answer-in-time"
UNNAMED = "about:blank"

# The same request may succeed a moment later. The key makes repeating it safe.
PASSING = {UNREACHABLE, "/problems/turn-interrupted", "/problems/storage-unavailable"}
PASSING_STATUSES = {502, 504}
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)

# The backend waits up to a minute for the session and a minute for each model of the chain.
TIMEOUT = ClientTimeout(total=300, sock_connect=5)


class BackendProblem(Exception):
    """The backend did not do what it was asked; `type` says why."""

    def __init__(self, type: str, status: int = 0) -> None:
        super().__init__(f"{type} ({status})" if status else type)
        self.type = type
        self.status = status

    @property
    def passing(self) -> bool:
        return self.type in PASSING or (self.type == UNNAMED and self.status in PASSING_STATUSES)


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who speaks where: by this the backend tells sessions apart."""

    chat_id: str
    user_id: str
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A message for the backend; the same `key` always gets the same answer."""

    text: str
    key: str
    chat_type: str
    user_name: str = ""
    language: str | None = None


class BackendClient:
    """Asks the backend, again where that may help, and raises BackendProblem where it does not."""

    def __init__(self, http: ClientSession, pauses: Sequence[float] = PAUSES) -> None:
        self._http = http
        self._pauses = pauses

    async def answer(self, conversation: Conversation, question: Question) -> str:
        """The answer's text."""
        reply = await self._post("v1/chat/handle", asdict(conversation) | asdict(question))
        return str(reply.get("text", ""))

    async def reset(self, conversation: Conversation) -> None:
        """The next message of this conversation starts a new session."""
        await self._post("v1/chat/reset", asdict(conversation))

    async def _post(self, path: str, body: Mapping[str, str | None]) -> dict[str, Any]:
        known = {name: value for name, value in body.items() if value is not None}
        for pause in self._pauses:
            try:
                return await self._attempt(path, known)
            except BackendProblem as problem:
                if not problem.passing:
                    raise
                log.warning("the backend: %s; trying again in %.1f s", problem, pause)
            await asyncio.sleep(pause)
        return await self._attempt(path, known)

    async def _attempt(self, path: str, body: Mapping[str, str]) -> dict[str, Any]:
        try:
            async with self._http.post(path, json=body) as response:
                content = await response.read()
        except ClientError as error:
            raise BackendProblem(UNREACHABLE) from error
        except TimeoutError as error:
            raise BackendProblem(NO_ANSWER_IN_TIME) from error
        answer = _members(content)
        if response.status != 200 or not answer:
            raise BackendProblem(str(answer.get("type", UNNAMED)), response.status)
        return answer


def _members(content: bytes) -> dict[str, Any]:
    """The JSON object; empty where a proxy, or something that is not the backend, speaks."""
    try:
        members = json.loads(content)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}


@asynccontextmanager
async def open_backend(url: str, api_key: str) -> AsyncIterator[BackendClient]:
    headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
    # Without a limit of connections: every person who waits for an answer holds one.
    connector = TCPConnector(limit=0)
    async with ClientSession(f"{url}/", headers=headers, timeout=TIMEOUT, connector=connector) as http:
        yield BackendClient(http)
