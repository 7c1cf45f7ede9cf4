"""The ways to a server: its standard streams, or HTTP; each ends a server that says more than anybody needs."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import httpx2
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from backend.agents.skills.mcp.configured import Configured
from backend.subprocesses import begun

# So much a server may say to one thing that it was asked.
MOST_BYTES = 8 << 20
# A server is asked to end, told to, and made to, with so many seconds in between.
GRACE_SECONDS = 2.0
# It gets these of ours, and what it is configured with; never our secrets.
INHERITED = ("PATH", "HOME")

Inbox = MemoryObjectSendStream[SessionMessage | Exception]
Outbox = MemoryObjectReceiveStream[SessionMessage]


def transport(configured: Configured) -> Any:
    """As `mcp.Client` takes it."""
    return _over_http(configured) if configured.url else _over_streams(configured)


@asynccontextmanager
async def _over_streams(configured: Configured) -> AsyncIterator[Any]:
    process = await begun(
        asyncio.create_subprocess_exec(
            *configured.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=_environment(configured),
            start_new_session=True,
            limit=MOST_BYTES,
        )
    )
    talk = _Talk(process)
    told, inbox = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    outbox, asked = anyio.create_memory_object_stream[SessionMessage](0)
    try:
        async with told, inbox, outbox, asked, anyio.create_task_group() as tasks:
            tasks.start_soon(talk.listen, told)
            tasks.start_soon(talk.ask, asked, told)
            yield inbox, outbox
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)


class _Talk:
    """What is said between a server's process and us: a message per line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._said = 0

    async def listen(self, told: Inbox) -> None:
        """Ends with the server, and ends one that says too much. What is no message is passed over."""
        async with told:
            try:
                while line := await self._next():
                    with suppress(ValidationError):
                        await told.send(SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False)))
            except ValueError:
                _signal(self._process, signal.SIGKILL)
            except anyio.BrokenResourceError:
                pass  # nobody listens any more

    async def _next(self) -> bytes:
        """A line, nothing at the end. Raises `ValueError` if that, or all of them, is too much."""
        assert self._process.stdout
        line = await self._process.stdout.readline()
        self._said += len(line)
        if self._said > MOST_BYTES:
            raise ValueError("too much")
        return line

    async def ask(self, asked: Outbox, told: Inbox) -> None:
        assert self._process.stdin
        try:
            async with asked:
                async for question in asked:
                    self._said = 0
                    line = question.message.model_dump_json(by_alias=True, exclude_unset=True)
                    self._process.stdin.write(line.encode() + b"\n")
                    await self._process.stdin.drain()
        except OSError:
            await told.aclose()


def _environment(configured: Configured) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | {name: value.get_secret_value() for name, value in configured.env.items()}


async def _end(process: asyncio.subprocess.Process) -> None:
    """With all that it has started. What it still says is read, because it is waited for until that has ended.

    Who is in a hurry, and cancels this, makes it end at once.
    """
    assert process.stdin
    process.stdin.close()
    hurried: asyncio.CancelledError | None = None
    for forced in (signal.SIGTERM, signal.SIGKILL, None):
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await asyncio.gather(process.wait(), _pass_over(process))
        except TimeoutError:
            pass
        except asyncio.CancelledError as cancelled:
            hurried = cancelled
        if forced:
            _signal(process, signal.SIGKILL if hurried else forced)
    if hurried:
        raise hurried


async def _pass_over(process: asyncio.subprocess.Process) -> None:
    assert process.stdout
    while await process.stdout.read(64 << 10):
        pass


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    """To its whole group."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@asynccontextmanager
async def _over_http(configured: Configured) -> AsyncIterator[Any]:
    headers = {name: value.get_secret_value() for name, value in configured.headers.items()}
    client = httpx2.AsyncClient(
        headers={**headers, "Accept-Encoding": "identity"},
        timeout=httpx2.Timeout(30, read=300),
        transport=_Bounded(trust_env=False),
        trust_env=False,
    )
    async with client, streamable_http_client(str(configured.url), http_client=client) as streams:
        yield streams


class _Bounded(httpx2.AsyncHTTPTransport):
    """Answers of a bounded size: packed ones are refused, as nobody knows what they unpack to."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.ReadError("the server packs its answers, which it was asked not to do")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _BoundedStream(response.stream)
        return response


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        said = 0
        async for part in self._stream:
            said += len(part)
            if said > MOST_BYTES:
                raise httpx2.ReadError("the server says too much")
            yield part

    async def aclose(self) -> None:
        await self._stream.aclose()
