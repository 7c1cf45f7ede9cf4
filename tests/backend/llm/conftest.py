"""A chain of two simulated providers, and two ways to ask it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeAlias

import pytest

from backend.llm import ChatMessage, Completion, Llm, NoProviderAnswered, ProviderFailed, Purpose
from backend.llm.embedding import service
from backend.llm.embedding.service import ServiceEmbedder
from backend.llm.endpoint import Endpoint
from backend.llm.openai_compatible import OpenAICompatible
from backend.llm.prices import Price
from tests.simulators.provider import Provider

HELLO = [ChatMessage("system", "Be kind."), ChatMessage("user", "Hello")]


@dataclass
class Reader:
    """Asks for an answer, plain or streamed, and keeps what was shown of it."""

    streamed: bool
    seen: list[str] = field(default_factory=list)

    async def ask(self, llm: Llm) -> Completion:
        return await llm.complete(Purpose.CHAT, HELLO, show=self.seen.append if self.streamed else None)

    async def problem_of(self, llm: Llm) -> NoProviderAnswered:
        with pytest.raises(NoProviderAnswered) as caught:
            await self.ask(llm)
        return caught.value

    async def ask_one(self, model: OpenAICompatible) -> str:
        answer = await model.complete(HELLO, self.seen.append if self.streamed else None)
        return answer.text

    async def failure_of(self, model: OpenAICompatible) -> ProviderFailed:
        with pytest.raises(ProviderFailed) as failed:
            await self.ask_one(model)
        return failed.value


Chain: TypeAlias = Callable[..., Llm]
Connect: TypeAlias = Callable[..., OpenAICompatible]
ConnectEmbedder: TypeAlias = Callable[[str], ServiceEmbedder]
Serve: TypeAlias = Callable[[bytes], Awaitable[str]]


@pytest.fixture(params=["plain", "streamed"])
def reader(request: pytest.FixtureRequest) -> Reader:
    return Reader(streamed=request.param == "streamed")


@pytest.fixture
async def second() -> AsyncIterator[Provider]:
    async with Provider() as second:
        yield second


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Makes a model at an address."""
    async with AsyncExitStack() as stack:

        def make(
            base_url: str, model: str = "simulated", *, name: str = "first", key: str = "none"
        ) -> OpenAICompatible:
            made = OpenAICompatible(name, model, base_url=base_url, key=key)
            stack.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
async def model(provider: Provider, connect: Connect) -> OpenAICompatible:
    return connect(provider.base_url)


@pytest.fixture
def chain(connect: Connect) -> Chain:
    """Makes an `Llm` that asks simulated providers, named first and second, in order."""

    def make(*providers: Provider, time_limit: float = 10, price: Price | None = None) -> Llm:
        named = zip(("first", "second"), providers, strict=False)
        models = [connect(provider.base_url, name=name) for name, provider in named]
        return Llm({Purpose.CHAT: models}, time_limit=time_limit, prices={"first:simulated": price} if price else {})

    return make


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server that answers anything with some bytes, and returns its address."""
    servers = []

    async def start(reply: bytes) -> str:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            writer.close()

        servers.append(server := await asyncio.start_server(answer, "127.0.0.1"))
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def connect_embedder() -> AsyncIterator[ConnectEmbedder]:
    async with AsyncExitStack() as stack:

        def make(base_url: str) -> ServiceEmbedder:
            made = ServiceEmbedder("mine:model", "model", Endpoint(base_url, "k"))
            stack.push_async_callback(made.close)
            return made

        yield make


@pytest.fixture
async def embedder(
    provider: Provider, connect_embedder: ConnectEmbedder, monkeypatch: pytest.MonkeyPatch
) -> ServiceEmbedder:
    monkeypatch.setattr(service, "PAUSE_SECONDS", 0.01)
    return connect_embedder(provider.base_url)
