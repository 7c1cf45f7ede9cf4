"""`llmbot chat`: a person, a terminal, and the backend's stream."""

import asyncio
import getpass
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp

from backend.settings import Settings

CHAT = "terminal"
GREETING = "Write and press Enter. /new begins a new dialogue, Ctrl-D ends."
PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=5)


def talk(settings: Settings) -> int:
    try:
        with asyncio.Runner() as runner:
            runner.run(_talk(settings))
    except aiohttp.ClientConnectionError:
        print(f"The backend does not answer at {address(settings)}: start it with `make run`.")
        return 1
    return 0


async def _talk(settings: Settings) -> None:
    headers = {"Authorization": f"Bearer {settings.keys[0]}"} if settings.keys else {}
    async with aiohttp.ClientSession(address(settings), headers=headers, timeout=PATIENCE) as http:
        await _find(http)
        print(GREETING)
        while (said := await asyncio.to_thread(_read)) is not None:
            if said == "/new":
                await _begin_anew(http)
            elif said:
                await _answer(http, said)


def _read() -> str | None:
    """What the person writes; None at the end."""
    try:
        return input("\nyou> ").strip()
    except EOFError:
        print()
        return None


async def _find(http: aiohttp.ClientSession) -> None:
    async with http.get("/health"):
        pass


async def _begin_anew(http: aiohttp.ClientSession) -> None:
    async with http.post("/v1/chat/reset", json={"chat_id": CHAT, "user_id": getpass.getuser()}) as response:
        print("A new dialogue begins." if response.ok else _complaint(await response.json()))


async def _answer(http: aiohttp.ClientSession, said: str) -> None:
    body = {"user_id": getpass.getuser(), "chat_id": CHAT, "text": said, "key": str(uuid4())}
    async with http.post("/v1/chat/stream", json=body) as response:
        if not response.ok:
            print(_complaint(await response.json()))
            return
        print("bot> ", end="", flush=True)
        async for event, data in _events(response):
            if event == "delta":
                print(data["text"], end="", flush=True)
            elif event == "problem":
                print(f"\n{_complaint(data)}", end="")
        print()


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    event = ""
    async for line in response.content:
        name, _, value = line.decode().strip().partition(": ")
        if name == "event":
            event = value
        elif name == "data":
            yield event, json.loads(value)


def _complaint(problem: dict[str, Any]) -> str:
    return f"[{problem['title']} {problem.get('detail', '')}]".replace(" ]", "]")


def address(settings: Settings) -> str:
    """Where the backend listens, as seen from this machine."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    return f"http://{host}:{settings.port}"
